// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/probe.h"

#include <algorithm>
#include <stdexcept>

#include "wire/reload/append.h"
#include "wire/reload/body_reader.h"

namespace wire::reload {

namespace {

constexpr std::size_t kValueBytes = 4;

void require_count(std::size_t count) {
  if (count > kMaxProbeInformation) throw std::length_error("Probe: more than 255 types");
}

std::optional<std::uint32_t> value_of(ProbeInformationType type, const ProbeStatus& status) {
  switch (type) {
    case ProbeInformationType::kResponsibleSet:
      return status.responsible_ppb;
    case ProbeInformationType::kNumResources:
      return status.num_resources;
    case ProbeInformationType::kUptime:
      return status.uptime_s;
    case ProbeInformationType::kInvalid:
      break;
  }
  return std::nullopt;
}

}  // namespace

const char* probe_information_name(ProbeInformationType type) noexcept {
  switch (type) {
    case ProbeInformationType::kResponsibleSet:
      return "responsible_set";
    case ProbeInformationType::kNumResources:
      return "num_resources";
    case ProbeInformationType::kUptime:
      return "uptime";
    case ProbeInformationType::kInvalid:
      break;
  }
  return nullptr;
}

std::optional<std::uint32_t> ProbeAns::find(ProbeInformationType type) const noexcept {
  for (const ProbeInformation& item : probe_info) {
    if (item.type == type) return item.value;
  }
  return std::nullopt;
}

ProbeAns probe_answer(const ProbeReq& request, const ProbeStatus& status) {
  ProbeAns answer;
  for (const ProbeInformationType type : request.requested_info) {
    const std::optional<std::uint32_t> value = value_of(type, status);
    if (value && !answer.find(type)) answer.probe_info.push_back({type, *value, {}});
  }
  return answer;
}

Bytes probe_request_body(const ProbeReq& request) {
  require_count(request.requested_info.size());
  Bytes body;
  append_u8(body, static_cast<std::uint8_t>(request.requested_info.size()));
  for (const ProbeInformationType type : request.requested_info) {
    append_u8(body, static_cast<std::uint8_t>(type));
  }
  return body;
}

Bytes probe_answer_body(const ProbeAns& answer) {
  require_count(answer.probe_info.size());
  Bytes items;
  for (const ProbeInformation& item : answer.probe_info) {
    append_u8(items, static_cast<std::uint8_t>(item.type));
    if (probe_information_name(item.type) == nullptr) {
      append_vector8(items, item.unknown_value);
    } else {
      append_u8(items, kValueBytes);
      append_u32(items, item.value);
    }
  }
  Bytes body;
  append_vector16(body, items);
  return body;
}

ParseError parse_probe_request(std::span<const std::byte> body, ProbeReq& out) {
  BodyReader in(body);
  out = {};
  const std::span<const std::byte> types = in.vector8();
  out.requested_info.reserve(types.size());
  for (const std::byte type : types) {
    out.requested_info.push_back(ProbeInformationType{static_cast<std::uint8_t>(type)});
  }
  return in.verdict();
}

ParseError parse_probe_answer(std::span<const std::byte> body, ProbeAns& out) {
  BodyReader in(body);
  out = {};
  const std::span<const std::byte> list = in.vector16();
  if (const ParseError error = in.verdict(); !error.ok()) return error;
  BodyReader items(list, in.offset() - static_cast<std::uint32_t>(list.size()));
  while (items.ok() && !items.at_end()) {
    const std::uint32_t at = items.offset();
    ProbeInformation item;
    item.type = ProbeInformationType{items.u8()};
    const std::span<const std::byte> value = items.vector8();
    if (probe_information_name(item.type) == nullptr) {
      item.unknown_value = value;
    } else if (value.size() == kValueBytes) {
      item.value = load_be32(value.data());
    } else {
      items.refuse(ParseFault::kBadBody, at + 1);
    }
    if (out.probe_info.size() == kMaxProbeInformation) {
      items.refuse(ParseFault::kTooManyEntries, at);
    }
    if (items.ok()) out.probe_info.push_back(item);
  }
  return items.verdict();
}

}  // namespace wire::reload

// SPDX-License-Identifier: Apache-2.0

#include "controlplane/admin/ping_run.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/node_config.h"

namespace controlplane::admin {

using overlay::Outcome;
using overlay::RequestResult;

namespace {

const char* status_name(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::kAnswered:
      return "ok";
    case Outcome::kError:
      return "error";
    case Outcome::kTimedOut:
      return "timeout";
    case Outcome::kRefused:
      break;
  }
  return "refused";
}

std::string hex64(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

/// What a peer wrote may be no UTF-8; JSON must be.
std::string dump(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

PingRun::PingRun(PingOptions options, std::uint64_t first_ticket,
                 std::shared_ptr<LineStream> stream)
    : options_(std::move(options)),
      body_(wire::reload::ping_request_body(options_.padding)),
      first_ticket_(first_ticket),
      stream_(std::move(stream)) {}

std::uint64_t PingRun::next_due_ns() const noexcept {
  return sent_ < options_.count ? next_ns_ : overlay::kNever;
}

bool PingRun::turn(const overlay::Now& now, const Submit& submit) {
  if (!stream_->is_open()) return false;
  if (sent_ == 0) next_ns_ = now.ns;
  // After a pause of the whole process the pace goes on from here.
  next_ns_ = std::max(next_ns_, now.ns - std::min(now.ns, kMaxPerTurn * options_.interval_ns));
  const bool reads = stream_->pending_bytes() < kMaxPendingBytes;
  for (std::uint64_t n = 0;
       reads && n < kMaxPerTurn && sent_ < options_.count && next_ns_ <= now.ns; ++n) {
    overlay::Request request;
    request.ticket = first_ticket_ + sent_;
    request.destination_list = options_.destination_list;
    request.body = body_;
    request.identity = options_.identity;
    request.lifetime_ns = options_.lifetime_ns;
    ++sent_;
    next_ns_ += options_.interval_ns;
    submit(std::move(request));
  }
  if (ended_ < options_.count) return true;
  write_summary();
  stream_->finish();
  return false;
}

void PingRun::take(const RequestResult& result) {
  ++ended_;
  const std::uint64_t rtt_us = result.rtt_ns / 1000;
  switch (result.outcome) {
    case Outcome::kAnswered:
      ++answered_;
      rtt_us_.add(rtt_us);
      break;
    case Outcome::kTimedOut:
      ++timeouts_;
      break;
    case Outcome::kError:
    case Outcome::kRefused:
      ++failed_;
      break;
  }
  if (options_.quiet) return;
  nlohmann::ordered_json line;
  line["sequence"] = result.ticket - first_ticket_ + 1;
  line["transaction_id"] = hex64(static_cast<std::uint64_t>(result.transaction));
  line["status"] = status_name(result.outcome);
  line["rtt_us"] = rtt_us;
  line["sends"] = result.sends;
  if (result.outcome == Outcome::kAnswered || result.outcome == Outcome::kError) {
    line["responder"] = config::to_string(result.responder);
  }
  if (result.outcome == Outcome::kError) {
    const char* name = wire::reload::error_code_name(result.error_code);
    line["error_code"] = result.error_code;
    line["error"] = name != nullptr ? name : "unassigned";
  }
  if (!result.text.empty()) line["text"] = result.text;
  stream_->write(dump(line));
}

void PingRun::write_summary() {
  nlohmann::ordered_json line;
  line["summary"] = true;
  line["sent"] = sent_;
  line["answered"] = answered_;
  line["failed"] = failed_;
  line["timeouts"] = timeouts_;
  line["min_us"] = rtt_us_.min();
  line["mean_us"] = rtt_us_.mean();
  line["p50_us"] = rtt_us_.percentile(50);
  line["p90_us"] = rtt_us_.percentile(90);
  line["p99_us"] = rtt_us_.percentile(99);
  line["max_us"] = rtt_us_.max();
  stream_->write(dump(line));
}

}  // namespace controlplane::admin

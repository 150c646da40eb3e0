// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/decode_documents.h"

#include "controlplane/ctl/decode_message.h"
#include "controlplane/ctl/fragment_collector.h"
#include "wire/reload/link_framing.h"

namespace controlplane::ctl {

namespace {

using namespace wire::reload;
using Json = nlohmann::ordered_json;
using ByteSpan = std::span<const std::byte>;

Json origin_json(const DecodeItem& item, std::size_t number) {
  Json json{{"item", number}};
  if (item.packet == 0) return json;
  json["packet"] = item.packet;
  json["time"] = item.time_s;
  json["source"] = item.source;
  json["destination"] = item.destination;
  if (item.missing_bytes > 0) json["bytes_not_captured"] = item.missing_bytes;
  return json;
}

/// A message without a frame. Three bytes of the token are enough, so that damage to the first one
/// is reported as what it is.
bool is_bare_message(ByteSpan bytes) {
  if (bytes.empty()) return false;
  if (bytes[0] == std::byte{kReloToken >> 24U}) return true;
  return bytes.size() >= 4 && wire::load_be24(bytes.data() + 1) == (kReloToken & 0xffffffU);
}

class Documents {
 public:
  Documents(SignatureCheck* signatures, const DecodeOutput& output)
      : signatures_(signatures), output_(output) {}

  void add(const DecodeItem& item) {
    ++number_;
    Json json = origin_json(item, number_);
    ByteSpan message = item.bytes;
    const bool bare = is_bare_message(item.bytes);
    if (!bare) {
      Frame frame;
      const ParseError error = parse_frame(item.bytes, frame);
      if (!error.ok()) {
        json["error"] = decode_error(error);
        complain("frame", error);
        output_.document(json);
        return;
      }
      json["frame"] = decode_frame(frame);
      message = frame.message;
      if (frame.is_ack) {
        output_.document(json);
        return;
      }
    }
    const DecodedMessage decoded = decode(message, std::move(json));
    if (decoded.fault.ok() && decoded.header && !decoded.header->fragment.is_whole()) {
      collect(*decoded.header, message, item);
    }
  }

  bool finish() {
    if (fragments_.incomplete() > 0) {
      output_.complaint(std::to_string(fragments_.incomplete()) +
                        " fragmented messages lack pieces and were not put together");
    }
    return good_;
  }

 private:
  DecodedMessage decode(ByteSpan message, Json json) {
    DecodedMessage decoded = decode_message(message);
    json.update(decoded.json);
    if (!decoded.fault.ok()) complain("message", decoded.fault);
    if (signatures_ != nullptr && decoded.security) {
      const SignatureCheck::Result result = signatures_->check(message, decoded);
      json["signature_check"] = result.json;
      if (!result.valid) {
        good_ = false;
        output_.complaint(place() + "signature: " + result.json["verdict"].get<std::string>());
      }
    }
    output_.document(json);
    return decoded;
  }

  void collect(const ForwardingHeader& header, ByteSpan message, const DecodeItem& item) {
    const FragmentCollector::Result result =
        fragments_.add(header, message, item.source + ">" + item.destination, number_);
    if (result.disagreement) {
      good_ = false;
      output_.complaint(place() + "fragments of one message overlap with different bytes");
      return;
    }
    if (result.message.empty()) return;
    (void)decode(result.message, {{"item", number_}, {"reassembled_from_items", result.pieces}});
  }

  std::string place() const { return "item " + std::to_string(number_) + ": "; }

  void complain(const char* what, ParseError error) {
    good_ = false;
    output_.complaint(place() + fault_name(error.fault) + " at offset " +
                      std::to_string(error.offset) + " of the " + what + ": " +
                      fault_text(error.fault));
  }

  SignatureCheck* signatures_;
  const DecodeOutput& output_;
  FragmentCollector fragments_;
  std::size_t number_ = 0;
  bool good_ = true;
};

}  // namespace

bool decode_documents(std::span<const DecodeItem> items, SignatureCheck* signatures,
                      const DecodeOutput& output) {
  Documents documents(signatures, output);
  for (const DecodeItem& item : items) documents.add(item);
  return documents.finish();
}

}  // namespace controlplane::ctl

// SPDX-License-Identifier: Apache-2.0
// A neighbour for scenarios: one end of a lab link over a kernel UDP socket that pings, floods,
// sends as RFC 6940's stop-and-wait does, replays recorded messages and sends malformed ones.
// Prints one JSON document at the end.
//
// lab_peer --local 10.0.1.1:6084 --remote 10.0.1.2:6084 --certificate c.pem --key k.pem
//          ping --destination <Node-ID> --count 100 --rate 50

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "config/node_config.h"
#include "tests/support/crafted_messages.h"
#include "tests/support/lab_link.h"
#include "wire/reload/link_framing.h"

namespace tests::support {
namespace {

namespace reload = wire::reload;
using namespace std::chrono_literals;

struct Options {
  std::string local, remote, overlay = "demo.hopseal.example", record;
  std::vector<std::string> certificates, keys, destinations;
  std::uint16_t configuration_sequence = 1;
  std::string sender, ca_certificate, ca_key, messages, kind, code = "store_req";
  std::uint64_t seed = 0;
  std::uint32_t count = 1, padding = 32, size = 300;
  double rate = 100, ping_rate = 10, seconds = 1, linger = 2;
  bool sign_first = false;
};

nlohmann::json distribution(std::vector<double> values) {
  if (values.empty()) return nullptr;
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return {{"count", values.size()},
          {"p50", at(0.5)},
          {"p90", at(0.9)},
          {"p99", at(0.99)},
          {"max", values.back()}};
}

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte value : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[std::to_integer<unsigned>(value) >> 4U];
    out += kDigits[std::to_integer<unsigned>(value) & 15U];
  }
  return out;
}

reload::Bytes unhex(const std::string& text) {
  reload::Bytes out;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    out.push_back(static_cast<std::byte>(std::stoul(text.substr(at, 2), nullptr, 16)));
  }
  return out;
}

reload::NodeId node_id(const std::string& text) {
  const auto id = config::parse_node_id(text);
  if (!id) throw std::runtime_error(text + ": not a Node-ID of 32 hex digits");
  return *id;
}

class LabPeer {
 public:
  explicit LabPeer(const Options& options) : options_(options), random_(options.seed) {
    if (options.seed == 0) random_.seed(std::random_device{}() * 0x100000001ULL);
    if (options.certificates.size() != options.keys.size()) {
      throw std::runtime_error("as many --key as --certificate are needed");
    }
    for (std::size_t i = 0; i < options.keys.size(); ++i) {
      identities_.push_back(load_identity(options.certificates[i], options.keys[i]));
    }
  }

  void connect() {
    link_.emplace(options_.local, options_.remote);
    bulk_code_ = code_named(options_.code);
    if (!options_.record.empty()) record_.open(options_.record);
  }

  void ping() {
    send_paced(options_.count, options_.rate, [this](std::uint32_t i) { send_ping(i); });
    listen(options_.linger);
  }

  /// Bulk requests at one rate and Pings at another, for options_.seconds.
  void flood() {
    if (options_.sign_first) {
      for (double i = 0; i < options_.rate * options_.seconds; ++i) {
        signed_.push_back(bulk_message(signed_.size()));
      }
    }
    const auto start = Clock::now();
    const auto end = start + to_duration(options_.seconds);
    std::uint32_t pings = 0;
    for (auto now = start; now < end; now = Clock::now()) {
      const double elapsed = std::chrono::duration<double>(now - start).count();
      while (static_cast<double>(bulk_sent_) < elapsed * options_.rate) send_bulk();
      while (pings < elapsed * options_.ping_rate) send_ping(pings++);
      receive_until(Clock::now() + 1ms);
    }
    listen(options_.linger);
  }

  /// RFC 6940 section 6.6.3.1 on a path without loss: one message at a time, 10 ms after the ack of
  /// the one before (C-12, C-20). What gets no ack within the first RTO is given up.
  void stop_and_wait() {
    const auto end = Clock::now() + to_duration(options_.seconds);
    while (Clock::now() < end) {
      const std::uint64_t acked = link_->counts().frames_acked;
      send_bulk();
      const auto due = Clock::now() + 500ms;
      while (link_->counts().frames_acked == acked && Clock::now() < due) receive_until(due);
      const auto next = Clock::now() + 10ms;
      while (Clock::now() < next) receive_until(next);
    }
  }

  void craft_one() {
    for (std::uint32_t i = 0; i < options_.count; ++i) {
      const Crafted crafted = craft(options_.kind, setting(i));
      for (const reload::Bytes& message : crafted.messages) {
        if (crafted.framed) {
          link_->send_message(message);
        } else {
          link_->send_datagram(message);
        }
      }
      receive_until(Clock::now() + to_duration(1 / options_.rate));
    }
    listen(options_.linger);
  }

  void generate() {
    std::ofstream out(options_.messages);
    for (std::uint32_t i = 0; i < options_.count; ++i) {
      reload::MessageBuilder builder = ping_to(setting(i));
      builder.contents(reload::MessageCode::kPingReq,
                       reload::ping_request_body(random_() % (options_.padding + 1)));
      out << hex(builder.sign(identity(i).signing)) << '\n';
    }
  }

  void replay() {
    std::ifstream in(options_.messages);
    if (!in) throw std::runtime_error(options_.messages + ": cannot be read");
    std::vector<reload::Bytes> messages;
    for (std::string line; std::getline(in, line);) messages.push_back(unhex(line));
    send_paced(static_cast<std::uint32_t>(messages.size()), options_.rate,
               [&](std::uint32_t i) { link_->send_message(messages[i]); });
    listen(options_.linger);
  }

  void listen(double seconds) {
    const auto end = Clock::now() + to_duration(seconds);
    // A ping run is over when every Ping has its answer.
    while (Clock::now() < end && (pings_.empty() || answered_ + errors_total_ < pings_.size())) {
      receive_until(std::min(end, Clock::now() + 20ms));
    }
  }

  [[nodiscard]] nlohmann::json report() const {
    const LabLink::Counts& counts = link_->counts();
    return {{"frames_sent", counts.frames_sent},
            {"frames_acked", counts.frames_acked},
            {"messages_received", counts.messages_received},
            {"unknown_acks", counts.unknown_acks},
            {"malformed_received", counts.malformed},
            {"send_errors", counts.send_errors},
            {"bulk_sent", bulk_sent_},
            {"pings_sent", pings_.size()},
            {"pings_answered", answered_},
            {"answers", answers_},
            {"errors", errors_},
            {"rtt_ms", distribution(rtt_ms_)},
            {"ack_ms", distribution(link_->ack_times_ms())}};
  }

 private:
  static Clock::duration to_duration(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  static reload::MessageCode code_named(const std::string& name) {
    for (std::uint16_t code = 1; code < 0x100; ++code) {
      const char* known = reload::message_code_name(code);
      if (known != nullptr && name == known) return reload::MessageCode{code};
    }
    throw std::runtime_error(name + ": not a message code");
  }

  [[nodiscard]] const Identity& identity(std::uint64_t i) const {
    if (identities_.empty()) throw std::runtime_error("--certificate and --key are needed");
    return identities_[i % identities_.size()];
  }

  CraftSetting setting(std::uint64_t i) {
    CraftSetting setting;
    setting.identity = identity(i);
    setting.overlay = options_.overlay;
    setting.configuration_sequence = options_.configuration_sequence;
    if (!options_.destinations.empty()) {
      setting.destination = node_id(options_.destinations[i % options_.destinations.size()]);
    }
    if (!options_.sender.empty()) setting.sender = node_id(options_.sender);
    setting.ca_certificate_path = options_.ca_certificate;
    setting.ca_key_path = options_.ca_key;
    setting.random = [this] { return random_(); };
    return setting;
  }

  template <class Send>
  void send_paced(std::uint32_t count, double rate, Send send) {
    const auto start = Clock::now();
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto due = start + to_duration(i / rate);
      while (Clock::now() < due) receive_until(due);
      send(i);
    }
  }

  reload::Bytes bulk_message(std::uint64_t i) {
    reload::MessageBuilder builder = ping_to(setting(i));
    builder.contents(bulk_code_, reload::Bytes(options_.size));
    return builder.sign(identity(i).signing);
  }

  void send_bulk() {
    link_->send_message(bulk_sent_ < signed_.size() ? signed_[bulk_sent_]
                                                    : bulk_message(bulk_sent_));
    ++bulk_sent_;
  }

  void send_ping(std::uint32_t i) {
    CraftSetting with = setting(i);
    const std::uint64_t transaction = random_();
    reload::MessageBuilder builder = ping_to(with);
    builder.transaction(reload::TransactionId{transaction})
        .contents(reload::MessageCode::kPingReq, reload::ping_request_body(options_.padding));
    const reload::Bytes message = builder.sign(with.identity.signing);
    pings_[transaction] = Clock::now();
    link_->send_message(message);
  }

  void receive_until(Clock::time_point until) {
    link_->receive(until, [this](std::span<const std::byte> message) { take(message); });
  }

  void take(std::span<const std::byte> message) {
    if (record_.is_open()) record_ << hex(message) << std::endl;
    reload::ForwardingHeader header;
    reload::MessageContents contents;
    if (!reload::parse_forwarding_header(message, header).ok() || !header.fragment.is_whole() ||
        !reload::parse_message_contents(message.subspan(header.size()), contents).ok()) {
      ++answers_["fragment_or_malformed"];
      return;
    }
    const char* name = reload::message_code_name(contents.message_code);
    ++answers_[name == nullptr ? "unassigned" : name];
    const auto asked = pings_.find(static_cast<std::uint64_t>(header.transaction_id));
    if (contents.message_code == static_cast<std::uint16_t>(reload::MessageCode::kError)) {
      reload::ErrorResponse error;
      if (reload::parse_error_response(contents.body, error).ok()) {
        const char* code = reload::error_code_name(error.error_code);
        ++errors_[code == nullptr ? "unassigned" : code];
      }
      if (asked != pings_.end()) ++errors_total_;
    } else if (asked != pings_.end()) {
      rtt_ms_.push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - asked->second).count());
      ++answered_;
    }
  }

  const Options& options_;
  std::mt19937_64 random_;
  std::vector<Identity> identities_;
  std::optional<LabLink> link_;
  std::ofstream record_;
  std::map<std::uint64_t, Clock::time_point> pings_;
  std::map<std::string, std::uint64_t> answers_;
  std::map<std::string, std::uint64_t> errors_;
  std::vector<double> rtt_ms_;
  std::uint64_t answered_ = 0;
  std::uint64_t errors_total_ = 0;
  std::uint64_t bulk_sent_ = 0;
  std::vector<reload::Bytes> signed_;
  reload::MessageCode bulk_code_{};
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"one end of a lab link, for scenarios"};
  app.require_subcommand(1);
  app.fallthrough();  // options may stand behind the subcommand; before those, or they miss it
  app.add_option("--local", options.local, "address and port to send from");
  app.add_option("--remote", options.remote, "the node's address and port");
  app.add_option("--overlay", options.overlay, "overlay name");
  app.add_option("--configuration-sequence", options.configuration_sequence);
  app.add_option("--certificate", options.certificates, "PEM; several sign in turn");
  app.add_option("--key", options.keys, "PEM, one per certificate");
  app.add_option("--record", options.record, "received messages as lines of hex");
  app.add_option("--seed", options.seed, "0: another each time");
  app.add_option("--linger", options.linger, "seconds to wait for answers after the last message");
  app.add_option("--destination", options.destinations, "Node-ID to send to; several in turn");
  app.add_option("--rate", options.rate, "messages per second");
  app.add_option("--count", options.count, "how many");
  app.add_option("--padding", options.padding, "bytes of padding in a Ping");
  app.add_option("--messages", options.messages, "file with one message per line, hex");

  app.add_option("--sender", options.sender, "this end's Node-ID");
  app.add_option("--ca-certificate", options.ca_certificate, "the overlay's authority");
  app.add_option("--ca-key", options.ca_key);

  app.add_subcommand("ping", "sends Pings and waits for the answers");
  CLI::App* flood = app.add_subcommand("flood", "bulk requests with Pings between them");
  flood->add_option("--ping-rate", options.ping_rate, "Pings per second");
  flood->add_flag("--sign-first", options.sign_first, "sign all bulk requests before the first");
  CLI::App* stop_and_wait = app.add_subcommand("stop-and-wait", "one bulk request at a time");
  for (CLI::App* bulk : {flood, stop_and_wait}) {
    bulk->add_option("--seconds", options.seconds);
    bulk->add_option("--size", options.size, "body bytes");
    bulk->add_option("--code", options.code, "message code by name");
  }
  CLI::App* craft = app.add_subcommand("craft", "sends a malformed message");
  craft->add_option("--kind", options.kind)->required();
  app.add_subcommand("kinds", "lists the malformed messages");
  app.add_subcommand("generate", "writes signed Pings to --messages and sends nothing");
  app.add_subcommand("replay", "sends the messages of --messages");
  CLI::App* listen = app.add_subcommand("listen", "acks what comes");
  listen->add_option("--seconds", options.seconds);
  CLI11_PARSE(app, argc, argv);

  if (app.got_subcommand("kinds")) {
    std::cout << nlohmann::json(crafted_names()).dump() << '\n';
    return 0;
  }
  try {
    LabPeer peer(options);
    if (app.got_subcommand("generate")) {
      peer.generate();
      return 0;
    }
    peer.connect();
    if (app.got_subcommand("ping")) peer.ping();
    if (app.got_subcommand("flood")) peer.flood();
    if (app.got_subcommand("stop-and-wait")) peer.stop_and_wait();
    if (app.got_subcommand("craft")) peer.craft_one();
    if (app.got_subcommand("replay")) peer.replay();
    if (app.got_subcommand("listen")) peer.listen(options.seconds);
    std::cout << peer.report().dump() << '\n';
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lab_peer: %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace tests::support

int main(int argc, char** argv) { return tests::support::run(argc, argv); }

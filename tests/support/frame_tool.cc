// SPDX-License-Identifier: Apache-2.0
// The RELOAD end of somebody else's secure connection: frames come on stdin and go out on stdout,
// through pipes to openssl s_client or s_server, which knows nothing of RELOAD. Acks what it gets,
// answers Pings with signed answers, and sends signed Pings of its own, one at a time.
//
// frame_tool --certificate c.pem --key k.pem --overlay NAME --destination <the node's Node-ID>
//            --pings 5 --answers 0 --seconds 20 --messages got.hex --report report.json
//
// Ends when its Pings are answered and it has answered so many, or when the time is over. Writes
// received messages as lines of hex and a JSON object of counts; exit status 1 when something is
// missing.

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>

#include "config/node_config.h"
#include "tests/support/crafted_messages.h"
#include "wire/reload/stream_framing.h"

namespace tests::support {
namespace {

namespace reload = wire::reload;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kMaxMessage = 65535;

struct Options {
  std::string certificate, key, overlay, destination, messages, report;
  std::uint16_t configuration_sequence = 1;
  std::uint32_t pings = 0, answers = 0, padding = 32;
  double seconds = 20;
};

class FrameTool {
 public:
  FrameTool(const Options& options, reload::NodeId destination)
      : options_(options),
        frames_(kMaxMessage),
        messages_(options.messages),
        random_(std::random_device{}() * 0x100000001ULL) {
    setting_.identity = load_identity(options.certificate, options.key);
    setting_.overlay = options.overlay;
    setting_.configuration_sequence = options.configuration_sequence;
    setting_.destination = destination;
    setting_.random = [this] { return random_(); };
  }

  /// True when everything that was to happen has happened.
  bool run() {
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(options_.seconds));
    while (!done() && Clock::now() < end && !input_ended_) {
      if (pings_sent_ == pings_answered_ && pings_sent_ < options_.pings) send_ping();
      receive(100);
    }
    receive(0);  // the ack of our last answer
    return done();
  }

  [[nodiscard]] nlohmann::json report() const {
    return {{"pings_sent", pings_sent_},
            {"pings_answered", pings_answered_},
            {"acks", acks_},
            {"requests_answered", requests_answered_},
            {"messages_in", messages_in_},
            {"strange", strange_}};
  }

 private:
  [[nodiscard]] bool done() const {
    return pings_answered_ >= options_.pings && acks_ >= pings_sent_ &&
           requests_answered_ >= options_.answers;
  }

  /// One frame, one write, and only when the reader has taken the one before: openssl makes a
  /// record of what it finds in the pipe, and a record holds one frame.
  void write_frame(std::span<const std::byte> frame) {
    if (write(STDOUT_FILENO, frame.data(), frame.size()) != static_cast<ssize_t>(frame.size())) {
      throw std::runtime_error("stdout does not take a frame");
    }
    for (int waiting = 1; waiting > 0;) {
      if (ioctl(STDOUT_FILENO, FIONREAD, &waiting) != 0) return;
      if (waiting > 0) usleep(1000);
    }
  }

  void send(const reload::Bytes& message) {
    reload::Bytes frame(reload::kDataFrameOverhead);
    reload::write_data_frame_header(next_sequence_++, static_cast<std::uint32_t>(message.size()),
                                    frame);
    frame.insert(frame.end(), message.begin(), message.end());
    write_frame(frame);
  }

  void send_ping() {
    asked_ = random_();
    reload::MessageBuilder builder = ping_to(setting_);
    builder.transaction(reload::TransactionId{asked_})
        .contents(reload::MessageCode::kPingReq, reload::ping_request_body(options_.padding));
    ++pings_sent_;
    send(builder.sign(setting_.identity.signing));
  }

  void receive(int wait_ms) {
    pollfd readable{STDIN_FILENO, POLLIN, 0};
    if (poll(&readable, 1, wait_ms) <= 0) return;
    std::array<std::byte, 65536> room;
    const ssize_t length = read(STDIN_FILENO, room.data(), room.size());
    input_ended_ = length <= 0;
    if (input_ended_) return;
    std::span<const std::byte> input(room.data(), static_cast<std::size_t>(length));
    reload::Frame frame;
    reload::FrameReader::Step step;
    while ((step = frames_.next(input, frame)) == reload::FrameReader::Step::kFrame) take(frame);
    if (step != reload::FrameReader::Step::kNeedMore) {
      throw std::runtime_error("stdin holds something that is no frame");
    }
  }

  void take(const reload::Frame& frame) {
    if (frame.is_ack) {
      ++acks_;
      return;
    }
    const reload::Bytes message(frame.message.begin(), frame.message.end());
    std::array<std::byte, reload::kAckFrameBytes> ack{};
    reload::write_ack_frame(frame.sequence, window_.note(frame.sequence), ack);
    write_frame(ack);
    if (window_.was_duplicate()) return;
    ++messages_in_;
    for (const std::byte value : message) {
      std::array<char, 3> digits{};
      std::snprintf(digits.data(), digits.size(), "%02x", std::to_integer<unsigned>(value));
      messages_ << digits.data();
    }
    messages_ << std::endl;
    answer(message);
  }

  void answer(std::span<const std::byte> message) {
    reload::ForwardingHeader header;
    reload::MessageContents contents;
    if (!reload::parse_forwarding_header(message, header).ok() || !header.fragment.is_whole() ||
        !reload::parse_message_contents(message.subspan(header.size()), contents).ok()) {
      ++strange_;
    } else if (contents.message_code == static_cast<std::uint16_t>(reload::MessageCode::kPingReq)) {
      reload::MessageBuilder builder = ping_to(setting_);
      builder.transaction(header.transaction_id)
          .contents(reload::MessageCode::kPingAns, reload::ping_answer_body(random_(), unix_ms()));
      send(builder.sign(setting_.identity.signing));
      ++requests_answered_;
    } else if (contents.message_code == static_cast<std::uint16_t>(reload::MessageCode::kPingAns) &&
               static_cast<std::uint64_t>(header.transaction_id) == asked_) {
      ++pings_answered_;
      asked_ = 0;
    } else {
      ++strange_;
    }
  }

  static std::uint64_t unix_ms() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
  }

  const Options& options_;
  reload::FrameReader frames_;
  std::ofstream messages_;
  std::mt19937_64 random_;
  CraftSetting setting_;
  reload::AckWindow window_;
  std::uint32_t next_sequence_ = 0;
  std::uint64_t asked_ = 0;  // transaction of the Ping that is out
  std::uint32_t pings_sent_ = 0, pings_answered_ = 0, requests_answered_ = 0;
  std::uint32_t acks_ = 0, messages_in_ = 0, strange_ = 0;
  bool input_ended_ = false;
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"the RELOAD end of a connection that openssl keeps"};
  app.add_option("--certificate", options.certificate, "PEM; whom to sign as")->required();
  app.add_option("--key", options.key, "PEM")->required();
  app.add_option("--overlay", options.overlay, "overlay name")->required();
  app.add_option("--configuration-sequence", options.configuration_sequence);
  app.add_option("--destination", options.destination, "the node's Node-ID")->required();
  app.add_option("--pings", options.pings, "Pings to send");
  app.add_option("--answers", options.answers, "requests to answer before the end");
  app.add_option("--padding", options.padding, "bytes of padding in a Ping");
  app.add_option("--seconds", options.seconds, "at most");
  app.add_option("--messages", options.messages, "received messages as lines of hex")->required();
  app.add_option("--report", options.report, "JSON counts, at the end")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    const auto destination = config::parse_node_id(options.destination);
    if (!destination) throw std::runtime_error(options.destination + ": not a Node-ID");
    FrameTool tool(options, *destination);
    const bool complete = tool.run();
    std::ofstream(options.report) << tool.report().dump() << '\n';
    return complete ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "frame_tool: %s\n", error.what());
    return 2;
  }
}

}  // namespace
}  // namespace tests::support

int main(int argc, char** argv) { return tests::support::run(argc, argv); }

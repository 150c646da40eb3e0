// SPDX-License-Identifier: Apache-2.0
// hopsealctl capture: the dataplane writes packets to a pcapng file, each with its verdict.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "controlplane/ctl/ask.h"
#include "controlplane/ctl/interrupts.h"
#include "controlplane/ctl/key_log.h"
#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

struct CaptureOptions {
  std::string file;
  std::string key_log;
  std::uint32_t count = 0;
  std::uint32_t sample = 1;
  std::uint32_t snap = 2048;
};

constexpr auto kPollPause = std::chrono::milliseconds(100);
/// A command reaches the dataplane within milliseconds; opening the file takes longer.
constexpr auto kStartPatience = std::chrono::seconds(3);

class Progress {
 public:
  explicit Progress(bool quiet) : quiet_(quiet || ::isatty(STDERR_FILENO) == 0) {}
  void show(std::uint64_t packets) const {
    if (quiet_) return;
    std::fprintf(stderr, "\r%s packets captured; Ctrl-C ends it ", grouped(packets).c_str());
  }
  void end() const {
    if (!quiet_) std::fprintf(stderr, "\r\033[K");
  }

 private:
  bool quiet_;
};

void wait_for_start(const NodeView& view, const std::string& path) {
  const auto& status = view.region().dataplane.status;
  const auto end = std::chrono::steady_clock::now() + kStartPatience;
  const std::uint64_t errors = status.command_errors.load();
  while (status.capturing.load() == 0) {
    // A short capture may be over before we look.
    std::error_code none;
    if (std::filesystem::file_size(path, none) > 0 && !none) return;
    if (status.command_errors.load() != errors || std::chrono::steady_clock::now() > end) {
      fail("the dataplane did not start the capture. Can its user write " + path +
           "? Its log says more.");
    }
    std::this_thread::sleep_for(kPollPause / 10);
  }
}

void capture(const Context& context, const CaptureOptions& options) {
  const std::string path = std::filesystem::absolute(options.file).lexically_normal().string();
  if (std::filesystem::exists(path)) {
    fail(path + " exists already. Remove it or choose another name.");
  }
  const NodeView view(context);
  const auto& status = view.region().dataplane.status;
  if (status.capturing.load() != 0) fail("a capture is running on this node; only one can.");
  catch_interrupts();
  std::optional<KeyLogFile> key_log;  // before the capture, so that no handshake in it is missed
  if (!options.key_log.empty()) {
    key_log.emplace(context, options.key_log);
    std::fprintf(stderr,
                 "WARNING: %s receives the keys of this node's links. Whoever has this file and a "
                 "capture can read all they carry. Delete it when done.\n"
                 "Links that have keys already get new ones, which this capture can be read with, "
                 "by: hopsealctl rekey\n",
                 options.key_log.c_str());
  }
  (void)ask(context, "POST", "/v1/capture",
            {{"path", path},
             {"max_packets", options.count},
             {"sample_one_in", options.sample},
             {"snap_bytes", options.snap}});
  wait_for_start(view, path);

  const Progress progress(context.json);
  while (!interrupted() && status.capturing.load() != 0 && view.dataplane_runs()) {
    progress.show(status.capture_packets.load());
    std::this_thread::sleep_for(kPollPause);
  }
  progress.end();
  if (!view.dataplane_runs()) {
    fail("the dataplane ended; " + path + " holds what it had written.");
  }
  if (status.capturing.load() != 0) (void)ask(context, "DELETE", "/v1/capture");
  for (int i = 0; i < 30 && status.capturing.load() != 0; ++i) {
    std::this_thread::sleep_for(kPollPause);
  }
  const std::uint64_t packets = status.capture_packets.load();
  const std::uint64_t handshakes = key_log ? key_log->handshakes() : 0;
  if (context.json) {
    Document made{{"path", path}, {"packets", packets}};
    if (key_log) made["key_log"] = {{"path", options.key_log}, {"handshakes", handshakes}};
    return print(made);
  }
  std::printf("%s holds %s packets\n", path.c_str(), grouped(packets).c_str());
  if (key_log) {
    std::printf("%s holds the keys of %s handshakes\n", options.key_log.c_str(),
                grouped(handshakes).c_str());
  }
}

}  // namespace

void add_capture(CLI::App& app, Context& context) {
  CLI::App* const command = app.add_subcommand(
      "capture", "Write packets to a pcapng file, each with what became of it as a comment");
  const auto options = std::make_shared<CaptureOptions>();
  command->add_option("file", options->file, "The file to make; the dataplane's user writes it")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--keylog", options->key_log,
                   "Also write the keys of links whose handshakes are made meanwhile to this file, "
                   "for Wireshark (tls.keylog_file). Danger: with them, all these links carry can "
                   "be read")
      ->type_name("FILE");
  command->add_option("--count", options->count, "Stop after this many packets; 0 is until Ctrl-C")
      ->capture_default_str();
  command->add_option("--sample", options->sample, "Capture one packet of this many")
      ->check(CLI::Range(1U, ~0U))
      ->capture_default_str();
  command->add_option("--snap", options->snap, "Bytes kept of each packet")
      ->check(CLI::Range(64U, 2048U))
      ->capture_default_str();
  command->callback([options, &context] { capture(context, *options); });
}

}  // namespace controlplane::ctl

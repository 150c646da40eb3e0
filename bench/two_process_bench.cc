// SPDX-License-Identifier: Apache-2.0
// The node on CPU 0, its neighbour in another process on CPU 1, a port between them.
//
//   bare/port:vhost/bytes:300           the node's process only sends back what it receives
//   pipeline/port:vhost/bytes:300/verify:off
//   openssl_ed25519/bytes:300           the reference of this run
//
// One iteration is one start of both processes: half a second measured after 0.3 s of warming up.
// Results differ more between starts than within one, so the figures are the median over the starts
// and their range. `cycles`: a message, in all turns of a start that had packets. `rate`: messages
// a second of time that the node did not spend on playing its other neighbour, waiting for frames
// included. Both without the time in which another program had the CPU, as the kernel accounts it.
// `lost`: the part that found the window or the queue of the next link full. Link 1 is a net_ring
// whose neighbour the node's process plays.
//
// vhost: net_vhost here, virtio_user there, which needs huge pages. memif: net_memif, for peak
// figures; a start in which a process dies is counted in `failed`, for net_memif is not safe
// against a peer that goes. Messages have their own transaction IDs (verify:off) or are repeated
// with the replay window off (verify:all). This program runs itself as --node and --neighbor.

#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/bench_eal.h"
#include "bench/feeder.h"
#include "bench/neighbor.h"
#include "bench/samples.h"

namespace {

using namespace bench;
using wire::shm::VerifyPolicy;

constexpr double kWarmS = 0.3, kMeasuredS = 0.5;
constexpr double kPatienceS = 5;  // for the first message

enum class Work : std::uint8_t { kBare, kPipelineOff, kPipelineAll };
constexpr std::array<const char*, 3> kWorkNames{"bare", "off", "all"};

/// What one start found; printed by the node's process, read by the one that started it.
struct Start {
  double cycles = 0, rate = 0, lost = 0;
};

const std::string& own_path() {
  static const std::string path = std::filesystem::read_symlink("/proc/self/exe").string();
  return path;
}

/// A folder for the socket and the frames; gone with this object.
class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("hopseal-bench-" + std::to_string(::getpid()))) {
    std::filesystem::create_directory(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string node_device(const std::string& port, const std::string& socket) {
  return port == "vhost" ? "net_vhost0,iface=" + socket
                         : "net_memif0,role=server,socket-abstract=no,rsize=10,socket=" + socket;
}
std::string neighbor_device(const std::string& port, const std::string& socket) {
  return port == "vhost" ? "net_virtio_user0,mac=02:00:00:00:00:02,queue_size=1024,path=" + socket
                         : "net_memif0,role=client,socket-abstract=no,rsize=10,socket=" + socket;
}

/// The neighbour's process; ends with this object.
class NeighborProcess {
 public:
  NeighborProcess(std::string port, std::string socket, std::string frames, bool own_transactions) {
    std::string program = own_path(), mode = "--neighbor", own = own_transactions ? "own" : "same";
    std::array<char*, 7> arguments{program.data(), mode.data(), port.data(), socket.data(),
                                   frames.data(),  own.data(),  nullptr};
    if (::posix_spawn(&pid_, program.c_str(), nullptr, nullptr, arguments.data(), environ) != 0) {
      pid_ = -1;
    }
  }
  ~NeighborProcess() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  NeighborProcess(const NeighborProcess&) = delete;
  NeighborProcess& operator=(const NeighborProcess&) = delete;

 private:
  pid_t pid_ = -1;
};

/// One turn of the node's process: packets it had, messages that went through, cycles it took.
struct Turn {
  std::uint64_t packets = 0, messages = 0, cycles = 0;
};

Turn bare_turn(NodeRig& rig) {
  const std::uint16_t port = rig.plane().ports()[0].id;
  std::array<rte_mbuf*, kPerTurn> burst;
  const std::uint64_t before = rte_rdtsc();
  const std::uint16_t taken = rte_eth_rx_burst(port, 0, burst.data(), kPerTurn);
  const std::uint16_t sent = rte_eth_tx_burst(port, 0, burst.data(), taken);
  const std::uint64_t spent = rte_rdtsc() - before;
  rte_pktmbuf_free_bulk(burst.data() + sent, static_cast<unsigned>(taken - sent));
  return {taken, sent, spent};
}

Turn pipeline_turn(NodeRig& rig, Feeder& feeder) {
  const std::uint64_t before = rte_rdtsc();
  const unsigned packets = rig.plane().turn(0);
  const std::uint64_t spent = rte_rdtsc() - before;
  return {packets, feeder.acknowledge(), spent};
}

/// Messages that came by link 0. None in a bare run, which passes the node's counters by.
std::uint64_t arrived(NodeRig& rig) {
  return rig.count(&wire::shm::LcoreCounters::received) -
         rig.count(&wire::shm::LcoreCounters::acks_received);
}

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// False when nothing came through.
bool measure(NodeRig& rig, Feeder& feeder, Work work, Start& start) {
  const auto turn = [&] {
    return work == Work::kBare ? bare_turn(rig) : pipeline_turn(rig, feeder);
  };
  const double hz = static_cast<double>(rte_get_tsc_hz());
  const auto after = [hz](double seconds) {
    return rte_rdtsc() + static_cast<std::uint64_t>(seconds * hz);
  };
  const std::uint64_t give_up = after(kPatienceS);
  while (turn().messages == 0) {
    if (rte_rdtsc() > give_up) return false;
  }
  for (const std::uint64_t end = after(kWarmS); rte_rdtsc() < end;) turn();
  Turn sum;
  std::uint64_t busy_cycles = 0;
  const std::uint64_t arrived_before = arrived(rig);
  const std::uint64_t began = rte_rdtsc();
  const double cpu_began = cpu_seconds();
  for (const std::uint64_t end = after(kMeasuredS); rte_rdtsc() < end;) {
    const Turn one = turn();
    if (one.packets != 0) busy_cycles += one.cycles;
    sum.messages += one.messages;
    sum.cycles += one.cycles;
  }
  // The part of the time in which this process had its CPU. Turns are too unlike for their median:
  // bursts of frames, bursts of acks, and any size.
  const double share = (cpu_seconds() - cpu_began) * hz / static_cast<double>(rte_rdtsc() - began);
  const double messages = static_cast<double>(sum.messages);
  start.cycles = static_cast<double>(busy_cycles) * share / messages;
  start.rate = messages * hz / (static_cast<double>(sum.cycles) * share);
  const std::uint64_t came = arrived(rig) - arrived_before;
  start.lost = came == 0 ? 0 : 1 - static_cast<double>(sum.messages) / static_cast<double>(came);
  return sum.messages != 0;
}

int run_node(const std::string& port, Work work, std::size_t bytes) {
  const Folder folder;
  tests::dataplane::RigSetting setting;
  setting.first_device = node_device(port, folder.file("socket"));
  setting.verify = work == Work::kPipelineAll ? VerifyPolicy::kAll : VerifyPolicy::kOff;
  setting.digest_cache_entries = 0;  // repeated messages are to be checked
  setting.replay_window_ms = work == Work::kPipelineAll ? 0 : 2000;
  NodeRig rig(setting);
  rig.add_signer(signer());
  Feeder feeder(rig, bytes, true);
  write_frames(folder.file("frames"), feeder.frames());
  Start start;
  bool came = false;
  {
    const NeighborProcess neighbor(port, folder.file("socket"), folder.file("frames"),
                                   work != Work::kPipelineAll);
    came = measure(rig, feeder, work, start);
    // Before anything is taken down, which a port may not survive.
    if (came) std::printf("start %.1f %.1f %.4f\n", start.cycles, start.rate, start.lost);
    std::fflush(stdout);
  }
  return came ? 0 : 1;
}

/// Starts the node's process, which starts the neighbour's. False when there is no result.
bool start_once(const std::string& port, Work work, std::size_t bytes, Start& start) {
  const std::string command = "'" + own_path() + "' --node " + port + " " +
                              std::to_string(static_cast<unsigned>(work)) + " " +
                              std::to_string(bytes);
  std::FILE* const output = ::popen(command.c_str(), "re");
  if (output == nullptr) return false;
  bool found = false;
  std::array<char, 512> line;
  while (std::fgets(line.data(), line.size(), output) != nullptr) {
    if (std::sscanf(line.data(), "start %lf %lf %lf", &start.cycles, &start.rate, &start.lost) == 3)
      found = true;
    else
      std::fputs(line.data(), stderr);
  }
  ::pclose(output);
  return found;
}

void two_processes(benchmark::State& state, const std::string& port, Work work, std::size_t bytes) {
  if (port == "vhost" && !hugepages_are_free()) {
    state.SkipWithError("virtio_user needs 128 MiB of huge pages: sysctl vm.nr_hugepages=256");
    return;
  }
  if (std::thread::hardware_concurrency() < 2) {
    state.SkipWithError("needs two CPUs");
    return;
  }
  std::vector<double> cycles, rate, lost;
  unsigned failed = 0;
  for (auto _ : state) {
    Start start;
    if (start_once(port, work, bytes, start)) {
      cycles.push_back(start.cycles);
      rate.push_back(start.rate);
      lost.push_back(start.lost);
    } else {
      ++failed;
    }
    state.SetIterationTime(kMeasuredS);
  }
  if (cycles.empty()) {
    state.SkipWithError("no start gave a result");
    return;
  }
  const auto range = [&](const std::string& name, std::vector<double>& values) {
    std::sort(values.begin(), values.end());
    state.counters[name] = values[values.size() / 2];
    state.counters[name + "_min"] = values.front();
    state.counters[name + "_max"] = values.back();
  };
  range("cycles", cycles);
  range("rate", rate);
  state.counters["lost"] = *std::max_element(lost.begin(), lost.end());
  state.counters["failed"] = failed;
}

void register_all() {
  for (const std::size_t bytes : {300U, 200U, 600U, 1200U}) {
    const std::string size = "/bytes:" + std::to_string(bytes);
    benchmark::RegisterBenchmark(("openssl_ed25519" + size).c_str(),
                                 [=](benchmark::State& state) { openssl_ed25519(state, bytes); });
    for (const std::string port : {"vhost", "memif"}) {
      // Many starts for one size; the others show how cost goes with size.
      const int starts = bytes == 300 && port == "memif" ? 8 : 3;
      for (const Work work : {Work::kBare, Work::kPipelineOff, Work::kPipelineAll}) {
        const std::string on = "/port:" + port + size;
        const std::string name =
            work == Work::kBare
                ? "bare" + on
                : "pipeline" + on + "/verify:" + kWorkNames[static_cast<std::size_t>(work)];
        benchmark::RegisterBenchmark(
            name.c_str(), [=](benchmark::State& state) { two_processes(state, port, work, bytes); })
            ->UseManualTime()
            ->Iterations(starts);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  const bool hugepages = hugepages_are_free();
  if (argc == 5 && arguments[1] == "--node") {
    const BenchEal eal(argv[0], 0, hugepages);
    return eal.up() ? run_node(arguments[2], static_cast<Work>(std::stoul(arguments[3])),
                               std::stoul(arguments[4]))
                    : 1;
  }
  if (argc == 6 && arguments[1] == "--neighbor") {
    const BenchEal eal(argv[0], 1, hugepages);
    return eal.up() ? run_neighbor({.device = neighbor_device(arguments[2], arguments[3]),
                                    .frames = arguments[4],
                                    .own_transactions = arguments[5] == "own"})
                    : 1;
  }
  register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  std::printf("memory: %s pages\n", hugepages ? "huge" : "plain");
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}

// SPDX-License-Identifier: Apache-2.0
// write_reference DIRECTORY [--check]
//
// Writes the pages of docs/reference that follow from the lists in wire/shm: drop-reasons.md,
// counters.md, stages.md. With --check it compares instead, and fails when a page is not current.

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "wire/shm/counters.h"

namespace {

constexpr const char* kHead =
    "<!-- Written by tests/lint/write_reference.cc; `make reference` after a change. -->\n\n";

std::string row(std::initializer_list<std::string> cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

std::string drop_reasons() {
  std::string page =
      "# Drop reasons\n\n" + std::string(kHead) +
      "Every packet that ends in a node other than by leaving it or by being delivered is counted "
      "under exactly one of these, per lcore: `hopsealctl show drops`, trace records, and the "
      "comments in captures. The order is that of the stages. *Answer* is the RFC 6940 error the "
      "control plane sends back when the message was a request; `-` is none.\n\n";
  page += row({"reason", "stage", "what happened", "answer"}) + row({"---", "---", "---", "---"});
  for (const wire::shm::DropReasonInfo& reason : wire::shm::kDropReasons) {
    page += row({"`" + std::string(reason.name) + "`", reason.stage, reason.text, reason.answer});
  }
  return page;
}

std::string counters() {
  std::string page =
      "# Counters\n\n" + std::string(kHead) +
      "One set per lcore: `hopsealctl show lcores`, and `/metrics` of the control plane. They "
      "begin "
      "at 0 when the dataplane starts. The ledger of an lcore is true at every housekeeping turn, "
      "and `unaccounted` is what it lacks:\n\n"
      "    received + injected + handed_in ==\n"
      "        transmitted + delivered + punted + absorbed + handed_out + drops + held\n\n";
  page += row({"counter", "kind", "what it counts"}) + row({"---", "---", "---"});
  for (const wire::shm::CounterInfo& counter : wire::shm::kCounters) {
    page += row(
        {"`" + std::string(counter.name) + "`", counter.gauge ? "gauge" : "counter", counter.help});
  }
  return page;
}

std::string stages() {
  std::string page =
      "# Stages\n\n" + std::string(kHead) +
      "What a packet passes, in this order; docs/dataplane.md has a section on each. `hopsealctl "
      "show stages` gives packets and TSC cycles per stage.\n\n";
  page += row({"stage", "what it does"}) + row({"---", "---"});
  for (const wire::shm::StageInfo& stage : wire::shm::kStages) {
    page += row({"`" + std::string(stage.name) + "`", stage.text});
  }
  return page;
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  const bool check = argc == 3 && std::strcmp(argv[2], "--check") == 0;
  if (argc != 2 && !check) {
    std::fprintf(stderr, "usage: write_reference DIRECTORY [--check]\n");
    return 2;
  }
  const struct {
    const char* name;
    std::string page;
  } pages[] = {
      {"drop-reasons.md", drop_reasons()}, {"counters.md", counters()}, {"stages.md", stages()}};
  int status = 0;
  for (const auto& [name, page] : pages) {
    const std::string path = std::string(argv[1]) + "/" + name;
    if (check && read(path) != page) {
      std::fprintf(stderr, "%s is not current: run `make reference`\n", path.c_str());
      status = 1;
    }
    if (!check && !(std::ofstream(path) << page).flush()) {
      std::fprintf(stderr, "%s cannot be written\n", path.c_str());
      status = 1;
    }
  }
  return status;
}

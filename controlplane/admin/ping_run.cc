// SPDX-License-Identifier: Apache-2.0

#include "controlplane/admin/ping_run.h"

#include <algorithm>
#include <utility>

#include "controlplane/admin/request_result.h"

namespace controlplane::admin {

using overlay::Outcome;
using overlay::RequestResult;

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
  switch (result.outcome) {
    case Outcome::kAnswered:
      ++answered_;
      rtt_us_.add(result.rtt_ns / 1000);
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
  Json line{{"sequence", result.ticket - first_ticket_ + 1}};
  add_result(line, result);
  stream_->write(one_line(line));
}

void PingRun::write_summary() {
  Json line;
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
  stream_->write(one_line(line));
}

}  // namespace controlplane::admin

// SPDX-License-Identifier: Apache-2.0
// What the enrollment server answers to which request, and whom it makes wait.
//
//   GET  /.well-known/reload-config   the configuration document, byte for byte (RFC 6940 11.2)
//   POST <enroll_path>                a certificate (11.3)
//   GET  /crl                         the revocation list
//
// A certificate request passes, cheapest first: method, types, the rate of its source, the
// challenge when there is load, the form, the rate of its user name, room in the queue. Only then a
// worker thread spends memory and time on a password hash.

#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "config/enroll_config.h"
#include "controlplane/enroll/challenge.h"
#include "controlplane/enroll/enroll_counters.h"
#include "controlplane/enroll/enroll_request.h"
#include "controlplane/enroll/https_server.h"
#include "controlplane/enroll/rate_table.h"
#include "controlplane/enroll/store.h"

namespace controlplane::enroll {

/// One line of the log: who asked, and what came of it.
using ServiceLog = std::function<void(bool warning, const std::string& text)>;

class Service {
 public:
  struct Clock {
    std::function<std::int64_t()> unix_s;
    std::function<std::uint64_t()> monotonic_ns;
  };

  /// The references must outlive it. @p log may be called from any thread.
  Service(const config::EnrollConfig& config, Store& store, const trust::Authority& authority,
          EnrollCounters& counters, Clock clock, ServiceLog log);
  /// Waits for the workers; requests that had not begun are not answered.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// In one thread, the io_context's; @p respond may come from a worker.
  void serve(const std::shared_ptr<const WebRequest>& request,
             std::function<void(WebResponse)> respond);
  /// To be called every second: reads the document again when its file changed, and has the
  /// revocation list signed anew when something was revoked or half of its time is over. Gives at
  /// once; a worker does it.
  void refresh();
  /// The same, now. False with @p why when either cannot be had: a start with that is refused.
  [[nodiscard]] bool load(std::string& why);
  /// Certificate requests at work or waiting.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

  static constexpr std::size_t kMostDocumentBytes = 1U << 20U;

 private:
  using Respond = std::function<void(WebResponse)>;
  void enroll(const std::shared_ptr<const WebRequest>& request, Respond respond);
  [[nodiscard]] bool let_in(const WebRequest& request, const Respond& respond);
  void work(const std::shared_ptr<const WebRequest>& request, const EnrollForm& form,
            const Respond& respond);
  [[nodiscard]] WebResponse response_to(const EnrollDecision& decision);
  [[nodiscard]] bool load_document(std::string& why);
  [[nodiscard]] bool sign_revocation_list(std::string& why);

  const config::EnrollConfig& config_;
  Store& store_;
  const trust::Authority& authority_;
  EnrollCounters& counters_;
  Clock clock_;
  ServiceLog log_;
  Enroller enroller_;
  Challenges challenges_;
  std::mutex rates_mutex_;  // workers give back what a good password took
  RateTable sources_;
  RateTable names_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<bool> refreshing_{false};
  std::mutex served_mutex_;
  std::string document_;  // these three: under served_mutex_
  std::string revocation_list_;
  bool has_document_ = false;
  std::string document_stamp_;  // the rest: the refreshing thread's
  std::vector<Revocation> revoked_;
  std::int64_t signed_unix_s_ = 0;
  boost::asio::thread_pool workers_;  // last: joins before anything of the above is gone
};

}  // namespace controlplane::enroll

// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/service.h"

#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "controlplane/enroll/authority.h"
#include "controlplane/enroll/multipart.h"
#include "controlplane/enroll/revocation_list.h"

namespace controlplane::enroll {
namespace {

constexpr const char* kWellKnown = "/.well-known/reload-config";
constexpr const char* kRevocationList = "/crl";
constexpr std::int64_t kDayS = 86'400;

WebResponse plain(unsigned status, std::string text) {
  WebResponse response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

WebResponse later(unsigned status, std::string text, std::uint64_t seconds) {
  WebResponse response = plain(status, std::move(text));
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

WebResponse only(const char* method) {
  WebResponse response = plain(405, "this path takes " + std::string(method) + " only\n");
  response.headers.emplace_back("Allow", method);
  return response;
}

/// Whether an Accept header names @p type or one of its wildcards (RFC 9110 section 12.5.1).
/// Without the header everything is accepted.
bool accepts(std::string_view header, std::string_view type) {
  if (header.empty()) return true;
  const std::string_view family = type.substr(0, type.find('/'));
  while (true) {
    const std::size_t comma = header.find(',');
    std::string_view entry = header.substr(0, comma);
    entry = entry.substr(0, entry.find(';'));
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!entry.empty() && blank(entry.front())) entry.remove_prefix(1);
    while (!entry.empty() && blank(entry.back())) entry.remove_suffix(1);
    const auto same = [entry](std::string_view other) {
      return std::ranges::equal(entry, other, {}, [](char c) { return std::tolower(c); });
    };
    if (same(type) || entry == "*/*" || entry == std::string(family) + "/*") return true;
    if (comma == std::string_view::npos) return false;
    header.remove_prefix(comma + 1);
  }
}

/// Of a name from the network: for a line of the log, without what could forge another line.
std::string printable(std::string_view name) {
  std::string text(name.substr(0, 64));
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

EnrollPolicy policy_of(const config::EnrollConfig& config) {
  return {.overlay = config.overlay,
          .validity_s = std::int64_t{config.validity_days} * kDayS,
          .backdate_s = std::int64_t{config.backdate_minutes} * 60,
          .cost = {config.scrypt_log2_n, config.scrypt_r, config.scrypt_p}};
}

}  // namespace

Service::Service(const config::EnrollConfig& config, Store& store,
                 const trust::Authority& authority, EnrollCounters& counters, Clock clock,
                 ServiceLog log)
    : config_(config),
      store_(store),
      authority_(authority),
      counters_(counters),
      clock_(std::move(clock)),
      log_(std::move(log)),
      enroller_(store, authority, policy_of(config)),
      challenges_(config.challenge_wait_s),
      sources_({config.source_per_hour, config.source_burst}, config.rate_entries),
      names_({config.failures_per_hour, config.failures_burst}, config.rate_entries),
      workers_(config.workers) {}

Service::~Service() {
  workers_.stop();
  workers_.join();
}

void Service::serve(const std::shared_ptr<const WebRequest>& request, Respond respond) {
  const bool get = request->method == "GET";
  if (request->path == kWellKnown) {
    if (!get) return respond(only("GET"));
    const std::lock_guard lock(served_mutex_);
    if (!has_document_) return respond(plain(404, "no configuration document here\n"));
    ++counters_.documents_served;
    return respond({200, "application/p2p-overlay+xml", document_, {}});
  }
  if (request->path == kRevocationList) {
    if (!get) return respond(only("GET"));
    const std::lock_guard lock(served_mutex_);
    ++counters_.revocation_lists_served;
    return respond({200, "application/pkix-crl", revocation_list_, {}});
  }
  if (request->path != config_.enroll_path) return respond(plain(404, "nothing here\n"));
  enroll(request, std::move(respond));
}

bool Service::let_in(const WebRequest& request, const Respond& respond) {
  const std::string source = limited_part(request.source);
  const std::int64_t now_s = clock_.unix_s();
  if (waiting_ >= config_.challenge_at &&
      challenges_.check(request.challenge, source, now_s) != Challenges::Verdict::kGood) {
    ++counters_.challenged;
    WebResponse response = later(
        429, "busy: send the same request again with the header Hopseal-Challenge of this answer\n",
        challenges_.wait_s());
    // Who comes early keeps his place.
    const bool early =
        challenges_.check(request.challenge, source, now_s) == Challenges::Verdict::kEarly;
    response.headers.emplace_back("Hopseal-Challenge",
                                  early ? request.challenge : challenges_.token(source, now_s));
    respond(std::move(response));
    return false;
  }
  const std::lock_guard lock(rates_mutex_);
  if (sources_.take(source, clock_.monotonic_ns())) return true;
  ++counters_.rate_limited;
  respond(later(429, "too many requests from your address\n", sources_.retry_after_s()));
  return false;
}

void Service::enroll(const std::shared_ptr<const WebRequest>& request, Respond respond) {
  if (request->method != "POST") return respond(only("POST"));
  const auto boundary = form_boundary(request->content_type);
  if (!boundary) return respond(plain(415, "send a form as multipart/form-data\n"));
  if (!accepts(request->accept, "application/pkix-cert")) {
    return respond(plain(406, "the answer is of type application/pkix-cert\n"));
  }
  if (!let_in(*request, respond)) return;
  std::string why;
  const auto parts = parse_form(request->body, *boundary, why);
  if (!parts) {
    ++counters_.requests_malformed;
    return respond(plain(400, why + "\n"));
  }
  const EnrollForm form = enroll_form(*parts);  // borrows from the request, which the worker keeps
  {
    const std::lock_guard lock(rates_mutex_);
    if (!names_.take(form.username, clock_.monotonic_ns())) {
      ++counters_.rate_limited;
      log_(true, "user " + printable(form.username) + ", " + request->source +
                     ": too many failures for this name");
      return respond(later(429, "too many failures for this user name\n", names_.retry_after_s()));
    }
  }
  if (waiting_ >= config_.workers + config_.queue) {
    const std::lock_guard lock(rates_mutex_);
    names_.give_back(form.username);
    ++counters_.unavailable;
    return respond(later(503, "busy\n", challenges_.wait_s()));
  }
  ++waiting_;
  boost::asio::post(workers_, [this, request, form, respond = std::move(respond)] {
    work(request, form, respond);
  });
}

void Service::work(const std::shared_ptr<const WebRequest>& request, const EnrollForm& form,
                   const Respond& respond) {
  const EnrollDecision decision = enroller_.decide(form, request->source, clock_.unix_s());
  if (decision.outcome != EnrollOutcome::kFailedAuthentication) {
    const std::lock_guard lock(rates_mutex_);
    names_.give_back(form.username);
  }
  const std::string who = "user " + printable(form.username) + ", " + request->source + ": ";
  if (decision.serial.empty()) {
    const char* const token = enroll_token(decision.outcome);
    log_(true, who + (*token == '\0' ? "unavailable" : token) + ": " + printable(decision.why));
  } else {
    log_(false, who + (decision.outcome == EnrollOutcome::kRenewed ? "renewed" : "enrolled") +
                    ", serial " + decision.serial);
  }
  --waiting_;
  respond(response_to(decision));
}

WebResponse Service::response_to(const EnrollDecision& decision) {
  switch (decision.outcome) {
    case EnrollOutcome::kEnrolled:
      ++counters_.enrolled;
      return {200, "application/pkix-cert", decision.der, {}};
    case EnrollOutcome::kRenewed:
      ++counters_.renewed;
      return {200, "application/pkix-cert", decision.der, {}};
    case EnrollOutcome::kFailedAuthentication:
      ++counters_.failed_authentication;
      break;
    case EnrollOutcome::kUsernameNotAvailable:
      ++counters_.username_not_available;
      break;
    case EnrollOutcome::kNodeIdsNotAvailable:
      ++counters_.node_ids_not_available;
      break;
    case EnrollOutcome::kBadCsr:
      ++counters_.bad_csr;
      break;
    case EnrollOutcome::kUnavailable:
      ++counters_.unavailable;
      return later(503, "not available\n", challenges_.wait_s());
  }
  return plain(403, enroll_token(decision.outcome));
}

bool Service::load_document(std::string& why) {
  if (config_.document.empty()) return true;
  struct stat status = {};
  if (::stat(config_.document.c_str(), &status) != 0) {
    why = config_.document + ": " + std::strerror(errno);
    return false;
  }
  const std::string stamp = std::to_string(status.st_ino) + ' ' + std::to_string(status.st_size) +
                            ' ' + std::to_string(status.st_mtim.tv_sec) + '.' +
                            std::to_string(status.st_mtim.tv_nsec);
  if (stamp == document_stamp_) return true;
  std::string text;
  if (!read_file(config_.document, kMostDocumentBytes, false, text, why)) return false;
  document_stamp_ = stamp;
  const std::lock_guard lock(served_mutex_);
  document_ = std::move(text);
  has_document_ = true;
  return true;
}

bool Service::sign_revocation_list(std::string& why) {
  const std::int64_t now_s = clock_.unix_s();
  const std::int64_t lifetime_s = std::int64_t{config_.revocation_list_hours} * 3600;
  std::vector<Revocation> revoked;
  try {
    revoked = store_.revoked(now_s);
  } catch (const StoreError& error) {
    why = error.what();
    return false;
  }
  if (signed_unix_s_ != 0 && revoked == revoked_ && now_s < signed_unix_s_ + lifetime_s / 2) {
    return true;
  }
  // Numbers must grow, with several servers on one store as well: time does.
  const std::int64_t number = std::max(now_s, signed_unix_s_ + 1);
  const auto der = make_revocation_list(authority_, revoked, now_s, now_s + lifetime_s,
                                        static_cast<std::uint64_t>(number), why);
  if (der.empty()) return false;
  revoked_ = std::move(revoked);
  signed_unix_s_ = number;
  const std::lock_guard lock(served_mutex_);
  revocation_list_.assign(reinterpret_cast<const char*>(der.data()), der.size());
  return true;
}

bool Service::load(std::string& why) { return load_document(why) && sign_revocation_list(why); }

void Service::refresh() {
  if (refreshing_.exchange(true)) return;
  boost::asio::post(workers_, [this] {
    std::string why;
    // What was served before is served on.
    if (!load_document(why)) log_(true, why);
    if (!sign_revocation_list(why)) log_(true, why);
    refreshing_ = false;
  });
}

}  // namespace controlplane::enroll

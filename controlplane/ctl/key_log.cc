// SPDX-License-Identifier: Apache-2.0

#include "controlplane/ctl/key_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "controlplane/ctl/admin_client.h"

namespace controlplane::ctl {

KeyLogFile::KeyLogFile(const Context& context, const std::string& path) {
  const std::string socket_path = context.admin_path();
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd_ < 0) fail(path + " cannot be made: " + std::strerror(errno));
  std::future<std::string> begun = begun_.get_future();
  thread_ = std::thread([this, socket_path] { take(socket_path); });
  const std::string why = begun.get();
  if (why.empty()) return;
  thread_.join();
  ::close(fd_);
  ::unlink(path.c_str());
  fail(why);
}

KeyLogFile::~KeyLogFile() {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
  ::close(fd_);
}

void KeyLogFile::take(const std::string& socket_path) {
  const auto begin = [this](const std::string& why) {
    if (has_begun_) return;
    has_begun_ = true;
    begun_.set_value(why);
  };
  // The control plane sends a comment a second, so this looks at stop_ in time.
  const auto line = [&](std::string_view text) {
    begin("");
    if (!text.starts_with('#')) {
      const std::string whole = std::string(text) + "\n";
      if (::write(fd_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) {
        return false;
      }
      handshakes_.fetch_add(1);
    }
    return !stop_.load();
  };
  try {
    const AdminReply reply = AdminClient(socket_path).stream("POST", "/v1/keylog", "", line);
    begin(reply.ok() ? "the control plane ended the key log at once" : reply.error());
  } catch (const AdminError& error) {
    begin(error.what());
  }
}

}  // namespace controlplane::ctl

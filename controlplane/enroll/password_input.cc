// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/password_input.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace controlplane::enroll {
namespace {

/// Keeps a terminal from showing what is typed, and asks.
class Silence {
 public:
  Silence() {
    silent_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!silent_) return;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
    std::fputs("Password: ", stderr);
  }
  ~Silence() {
    if (!silent_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputs("\n", stderr);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool silent_ = false;
};

/// Up to the first line's end; a byte more than a password may have shows that it is too long.
std::optional<std::string> read_line(int file, const std::string& name, std::string& why) {
  std::array<char, kMostPasswordBytes + 1> bytes{};
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file, bytes.data() + size, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      why = name + ": " + std::strerror(errno);
      return std::nullopt;
    }
    if (got == 0 || bytes[size] == '\n') break;
    ++size;
  }
  std::string line(bytes.data(), size);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  if (line.ends_with('\r')) line.pop_back();
  if (!line.empty() && line.size() <= kMostPasswordBytes) return line;
  why = name + ": a password has 1 to " + std::to_string(kMostPasswordBytes) + " bytes";
  OPENSSL_cleanse(line.data(), line.size());
  return std::nullopt;
}

}  // namespace

std::optional<std::string> read_password(const std::string& file, std::string& why) {
  if (file.empty()) {
    const Silence silence;
    return read_line(STDIN_FILENO, "standard input", why);
  }
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status = {};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
    why = file + ": " + std::strerror(errno);
    if (descriptor >= 0) ::close(descriptor);
    return std::nullopt;
  }
  std::optional<std::string> password;
  if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    why = file + ": others than its owner may read this password; chmod 600 " + file;
  } else {
    password = read_line(descriptor, file, why);
  }
  ::close(descriptor);
  return password;
}

}  // namespace controlplane::enroll

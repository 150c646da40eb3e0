// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace controlplane::ctl {

void write_new_file(const std::filesystem::path& path, std::string_view text, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  bool written = file >= 0;
  while (written && !text.empty()) {
    const ssize_t some = ::write(file, text.data(), text.size());
    if (some < 0 && errno == EINTR) continue;
    written = some > 0;
    if (written) text.remove_prefix(static_cast<std::size_t>(some));
  }
  written = written && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0 && ::close(file) != 0) written = false;
  if (!written) throw std::runtime_error(path.string() + ": " + std::strerror(error));
}

void replace_file(const std::filesystem::path& path, std::string_view text, mode_t mode) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0) mode = status.st_mode & 0777U;
  const std::filesystem::path fresh = path.string() + ".partial-" + std::to_string(::getpid());
  try {
    write_new_file(fresh, text, mode);
    std::filesystem::rename(fresh, path);
  } catch (const std::exception&) {
    std::error_code ignored;
    std::filesystem::remove(fresh, ignored);
    throw;
  }
}

}  // namespace controlplane::ctl

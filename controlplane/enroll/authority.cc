// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/authority.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace controlplane::enroll {
namespace {

constexpr std::size_t kMostPemBytes = 65'536;

struct File {
  int descriptor;
  explicit File(const std::string& path) : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

}  // namespace

bool read_file(const std::string& path, std::size_t most, bool secret, std::string& text,
               std::string& why) {
  constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
  const File file(path);
  struct stat status = {};
  if (file.descriptor < 0 || ::fstat(file.descriptor, &status) != 0) {
    why = path + ": " + std::strerror(errno);
    return false;
  }
  if (!S_ISREG(status.st_mode)) {
    why = path + ": is not a file";
    return false;
  }
  if (secret && (status.st_mode & kOthers) != 0) {
    why = path + ": others than its owner may use this private key; chmod 600 " + path;
    return false;
  }
  // One byte more than allowed shows that there is more.
  text.resize(most + 1);
  std::size_t size = 0;
  for (;;) {
    const ssize_t got = ::read(file.descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      why = path + ": " + std::strerror(errno);
      return false;
    }
    size += static_cast<std::size_t>(got);
    if (got == 0 || size > most) break;
  }
  if (size > most) {
    why = path + ": has more than " + std::to_string(most) + " bytes";
    return false;
  }
  text.resize(size);
  return true;
}

std::unique_ptr<trust::Authority> load_authority(const std::string& certificate_file,
                                                 const std::string& key_file, std::string& why) {
  std::string certificate;
  std::string key;
  if (!read_file(certificate_file, kMostPemBytes, false, certificate, why) ||
      !read_file(key_file, kMostPemBytes, true, key, why)) {
    return nullptr;
  }
  auto authority = trust::Authority::load(certificate, key, why);
  OPENSSL_cleanse(key.data(), key.size());
  if (authority == nullptr) why = certificate_file + ", " + key_file + ": " + why;
  return authority;
}

}  // namespace controlplane::enroll

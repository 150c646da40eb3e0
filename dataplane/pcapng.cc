// SPDX-License-Identifier: Apache-2.0
#include "dataplane/pcapng.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace dataplane {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint16_t kLinkTypeEthernet = 1;
constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionComment = 1;
constexpr std::uint16_t kOptionApplication = 4;  // of a section
constexpr std::uint16_t kOptionName = 2;         // of an interface
constexpr std::uint16_t kOptionResolution = 9;   // of an interface
constexpr std::uint8_t kNanoseconds = 9;

/// One block, padded and framed by its length as the format wants. In this machine's byte order,
/// which the magic number tells.
class Block {
 public:
  explicit Block(std::uint32_t type) {
    number(type);
    number(std::uint32_t{0});  // length, once known
  }
  template <class Number>
  Block& number(Number value) {
    return bytes(std::as_bytes(std::span(&value, 1)));
  }
  Block& bytes(std::span<const std::byte> more) {
    out_.insert(out_.end(), more.begin(), more.end());
    return *this;
  }
  Block& pad() {
    out_.resize((out_.size() + 3) / 4 * 4);
    return *this;
  }
  Block& option(std::uint16_t code, std::span<const std::byte> value) {
    return number(code).number(static_cast<std::uint16_t>(value.size())).bytes(value).pad();
  }
  Block& option(std::uint16_t code, std::string_view value) {
    return option(code, std::as_bytes(std::span(value)));
  }
  std::span<const std::byte> finish() {
    option(kOptionEnd, std::span<const std::byte>());
    const auto length = static_cast<std::uint32_t>(out_.size() + 4);
    number(length);
    std::memcpy(out_.data() + 4, &length, 4);
    return out_;
  }

 private:
  std::vector<std::byte> out_;
};

}  // namespace

std::unique_ptr<PcapngFile> PcapngFile::create(const std::string& path,
                                               std::span<const std::string> interfaces,
                                               std::string& why) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  std::FILE* file = fd < 0 ? nullptr : ::fdopen(fd, "wb");
  if (file == nullptr) {
    why = path + ": " + std::strerror(errno);
    if (fd >= 0) ::close(fd);
    return nullptr;
  }
  std::unique_ptr<PcapngFile> made(new PcapngFile(file));
  Block section(kSectionHeader);
  section.number(kByteOrderMagic).number(std::uint16_t{1}).number(std::uint16_t{0});
  section.number(~std::uint64_t{0});  // section length: not given
  section.option(kOptionApplication, "hopseal-dataplane");
  bool good = made->put(section.finish());
  for (const std::string& name : interfaces) {
    Block interface(kInterfaceDescription);
    interface.number(kLinkTypeEthernet).number(std::uint16_t{0});
    interface.number(std::uint32_t{0});  // no limit on the bytes of a packet
    interface.option(kOptionName, name);
    interface.option(kOptionResolution, std::as_bytes(std::span(&kNanoseconds, 1)));
    good = good && made->put(interface.finish());
  }
  if (!good || !made->flush()) {
    why = path + ": " + std::strerror(errno);
    return nullptr;
  }
  return made;
}

PcapngFile::~PcapngFile() { std::fclose(file_); }

bool PcapngFile::write(std::uint32_t interface, std::uint64_t unix_ns,
                       std::span<const std::byte> frame, std::uint32_t original_length,
                       std::string_view comment) {
  Block packet(kEnhancedPacket);
  packet.number(interface);
  packet.number(static_cast<std::uint32_t>(unix_ns >> 32U));
  packet.number(static_cast<std::uint32_t>(unix_ns));
  packet.number(static_cast<std::uint32_t>(frame.size())).number(original_length);
  packet.bytes(frame).pad();
  packet.option(kOptionComment, comment);
  return put(packet.finish());
}

bool PcapngFile::flush() { return std::fflush(file_) == 0; }

bool PcapngFile::put(std::span<const std::byte> block) {
  return std::fwrite(block.data(), 1, block.size(), file_) == block.size();
}

}  // namespace dataplane

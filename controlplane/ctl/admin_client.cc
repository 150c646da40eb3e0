// SPDX-License-Identifier: Apache-2.0

#include "controlplane/ctl/admin_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

namespace controlplane::ctl {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

/// A connected socket and what was read from it but not used yet.
class Connection {
 public:
  explicit Connection(const std::string& path) : path_(path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) fail("path is too long for a socket");
    std::copy(path.begin(), path.end(), address.sun_path);
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) fail(std::strerror(errno));
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      const int error = errno;
      ::close(fd_);
      const bool absent = error == ENOENT || error == ECONNREFUSED;
      fail(absent ? "no control plane listens there; start hopseal-controlplane --config FILE"
                  : std::strerror(error));
    }
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[noreturn]] void fail(std::string_view what) const {
    throw AdminError(path_ + ": " + std::string(what));
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) fail("the control plane broke off");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  std::string read_line() {
    for (;;) {
      if (const auto end = buffer_.find(kLineEnd); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + kLineEnd.size());
        return line;
      }
      read_more();
    }
  }
  std::string read_bytes(std::size_t count) {
    while (buffer_.size() < count) read_more();
    std::string bytes = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return bytes;
  }

 private:
  void read_more() {
    std::array<char, 16384> part;
    ssize_t got = 0;
    do {
      got = ::recv(fd_, part.data(), part.size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) fail("the control plane broke off its answer");
    buffer_.append(part.data(), static_cast<std::size_t>(got));
  }

  std::string path_;
  int fd_ = -1;
  std::string buffer_;
};

std::size_t parse_size(const Connection& from, std::string_view text, int base) {
  std::size_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value, base).ec != std::errc{}) {
    from.fail("the answer is no HTTP/1.1");
  }
  return value;
}

struct Head {
  unsigned status = 0;
  std::optional<std::size_t> length;
  bool chunked = false;
};

Head read_head(Connection& connection) {
  Head head;
  const std::string first = connection.read_line();
  if (!first.starts_with("HTTP/1.1 ") || first.size() < 12) {
    connection.fail("the answer is no HTTP/1.1");
  }
  head.status = static_cast<unsigned>(parse_size(connection, first.substr(9, 3), 10));
  for (;;) {
    std::string line = connection.read_line();
    if (line.empty()) return head;
    const auto colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string value = line.substr(colon + 2);
    if (name == "content-length") head.length = parse_size(connection, value, 10);
    if (name == "transfer-encoding") head.chunked = value == "chunked";
  }
}

/// Gives @p line every whole line of a chunked body.
void read_chunks(Connection& connection, const AdminClient::LineSink& line) {
  std::string rest;
  for (;;) {
    const std::size_t size = parse_size(connection, connection.read_line(), 16);
    rest += connection.read_bytes(size);
    connection.read_line();
    std::size_t begin = 0;
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
      if (!line(std::string_view(rest).substr(begin, end - begin))) return;
      begin = end + 1;
    }
    rest.erase(0, begin);
    if (size == 0) return;
  }
}

}  // namespace

std::string AdminReply::error() const {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (json.is_object() && json.contains("error") && json["error"].is_string()) {
    return json["error"].get<std::string>();
  }
  return body;
}

AdminReply AdminClient::call(std::string_view method, std::string_view target,
                             std::string_view body) const {
  std::string lines;
  AdminReply reply = stream(method, target, body, [&](std::string_view line) {
    lines.append(line).push_back('\n');
    return true;
  });
  if (reply.body.empty()) reply.body = std::move(lines);
  return reply;
}

AdminReply AdminClient::stream(std::string_view method, std::string_view target,
                               std::string_view body, const LineSink& line) const {
  Connection connection(path_);
  std::string request(method);
  request.append(" ").append(target).append(" HTTP/1.1\r\nHost: hopseal\r\n");
  request.append("Content-Type: application/json\r\nContent-Length: ");
  request.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  connection.write(request);
  const Head head = read_head(connection);
  AdminReply reply{head.status, {}};
  if (head.chunked) {
    read_chunks(connection, line);
  } else if (head.length) {
    reply.body = connection.read_bytes(*head.length);
  }
  return reply;
}

}  // namespace controlplane::ctl

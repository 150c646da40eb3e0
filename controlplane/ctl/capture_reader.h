// SPDX-License-Identifier: Apache-2.0
// RELOAD datagrams out of pcap and pcapng captures: UDP over IPv4 or IPv6 over Ethernet.

#pragma once

#include <cstddef>
#include <span>

#include "controlplane/ctl/decode_input.h"

namespace controlplane::ctl {

/// True when @p input begins as a pcap or pcapng file does.
[[nodiscard]] bool is_capture(std::span<const std::byte> input);

/// The UDP payloads that are RELOAD's: to or from port 6084, or with the first bytes of a link
/// frame or message. IP fragments are not put together; a warning counts them. Packets in front of
/// a damaged place are given, with the error.
[[nodiscard]] DecodeInput read_capture(std::span<const std::byte> input);

}  // namespace controlplane::ctl

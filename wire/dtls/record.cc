// SPDX-License-Identifier: Apache-2.0
#include "wire/dtls/record.h"

namespace wire::dtls {

bool RecordCursor::next(RecordHeader& out) noexcept {
  if (!error_.ok() || next_ == datagram_.size()) return false;
  error_ = parse_record(datagram_, next_, out);
  if (!error_.ok()) return false;
  offset_ = next_;
  next_ += out.record_bytes();
  return true;
}

}  // namespace wire::dtls

// SPDX-License-Identifier: Apache-2.0
// How a request ended, as JSON: what each line of /v1/ping and the answer of /v1/query say.

#pragma once

#include "controlplane/admin/respond.h"
#include "controlplane/overlay/io.h"

namespace controlplane::admin {

/// Adds transaction_id, status (ok, error, timeout or refused), rtt_us and sends to @p line; with
/// an answer the responder, with an error its code, name and text, with a refusal why.
void add_result(Json& line, const overlay::RequestResult& result);

/// On one line. What a peer wrote may be no UTF-8; JSON must be.
[[nodiscard]] std::string one_line(const Json& value);

}  // namespace controlplane::admin

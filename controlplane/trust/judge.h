// SPDX-License-Identifier: Apache-2.0
// Joins the certificate checks to the signer directory.

#pragma once

#include <memory>

#include "controlplane/trust/certificate_checker.h"
#include "controlplane/trust/signer_directory.h"

namespace controlplane::trust {

/// What the dataplane needs to know of an accepted signer.
/// @pre certificate.algorithm is set and its key fits kMaxPublicKeyBytes
[[nodiscard]] wire::shm::SignerRecord signer_record(const Certificate& certificate,
                                                    const wire::reload::SignerKey& key,
                                                    const wire::reload::NodeId& node_id);

/// Judges by the certificates in a message. Only a certificate whose hash is the signer's own can
/// get it refused: otherwise whoever quotes an honest signer beside rubbish would silence it.
[[nodiscard]] JudgeSigner judge_with(std::shared_ptr<const CertificateChecker> checker);

}  // namespace controlplane::trust

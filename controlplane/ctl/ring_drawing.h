// SPDX-License-Identifier: Apache-2.0
// A surveyed ring as a picture.

#pragma once

#include <string>

#include "controlplane/ctl/ring_survey.h"

namespace controlplane::ctl {

/// SVG: every node where its Node-ID lies on a circle, 0 at the top and rising clockwise, with the
/// links it routes over. The first node of @p survey stands out. @p title is escaped.
[[nodiscard]] std::string draw_ring(const RingSurvey& survey, const std::string& title);

}  // namespace controlplane::ctl

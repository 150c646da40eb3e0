// SPDX-License-Identifier: Apache-2.0
// Which URLs of servers are taken, and what is called then.

#include "controlplane/ctl/https_url.h"

#include <gtest/gtest.h>

namespace controlplane::ctl {
namespace {

HttpsUrl read(const std::string& text) {
  std::string why;
  const auto url = parse_https_url(text, why);
  EXPECT_TRUE(url) << text << ": " << why;
  EXPECT_EQ(why, "");
  return url.value_or(HttpsUrl{});
}

TEST(HttpsUrl, IsTakenApart) {
  const HttpsUrl url = read("https://Enroll.Example.org:8443/a/b?c=d");
  EXPECT_EQ(url.host, "enroll.example.org");
  EXPECT_FALSE(url.host_is_address);
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_EQ(url.authority(), "enroll.example.org:8443");
  EXPECT_EQ(url.text(), "https://enroll.example.org:8443/a/b?c=d");
}

TEST(HttpsUrl, NeedsNoPortAndNoPath) {
  EXPECT_EQ(read("HTTPS://example.org").text(), "https://example.org/");
  EXPECT_EQ(read("https://example.org?x").target, "/?x");
  EXPECT_EQ(read("https://example.org").port, 443);
  EXPECT_EQ(read("https://1st.example.org/").host, "1st.example.org");
}

TEST(HttpsUrl, MayNameAnAddress) {
  EXPECT_TRUE(read("https://192.0.2.1/").host_is_address);
  const HttpsUrl six = read("https://[2001:DB8::1]:8443/");
  EXPECT_TRUE(six.host_is_address);
  EXPECT_EQ(six.host, "2001:db8::1");
  EXPECT_EQ(six.authority(), "[2001:db8::1]:8443");
}

TEST(HttpsUrl, IsRefusedWithItsReason) {
  const std::string cases[][2] = {
      {"", "is no https URL"},
      {"http://example.org/", "is no https URL"},
      {"https:/example.org/", "is no https URL"},
      {"https://", "has no host"},
      {"https:///path", "has no host"},
      {"https://a:b@example.org/", "user name"},
      {"https://example.org/#top", "part of a page"},
      {"https://example.org/a b", "characters"},
      {"https://example.org/\r\nHost: x", "characters"},
      {std::string("https://example.org/\0", 21), "characters"},
      {"https://ex\xc3\xa4mple.org/", "characters"},
      {"https://example..org/", "has no host"},
      {"https://-example.org/", "has no host"},
      {"https://192.0.2.256/", "has no host"},
      {"https://2001:db8::1/", "has no host"},
      {"https://[2001:db8::1/", "has no host"},
      {"https://[192.0.2.1]/", "has no host"},
      {"https://[::1]8443/", "has no host"},
      {"https://example.org:/", "has no host"},
      {"https://example.org:0/", "has no host"},
      {"https://example.org:65536/", "has no host"},
      {"https://example.org:44x/", "has no host"},
      {"https://" + std::string(64, 'a') + ".org/", "has no host"},
      {"https://example.org/" + std::string(kMostUrlBytes, 'a'), "too long"},
  };
  for (const auto& [text, reason] : cases) {
    std::string why;
    EXPECT_FALSE(parse_https_url(text, why)) << text;
    EXPECT_NE(why.find(reason), std::string::npos) << text << ": " << why;
  }
}

TEST(HttpsUrl, OfAnOverlayIsTheWellKnownOne) {  // J-42
  EXPECT_EQ(well_known_url("Overlay.Example.org").text(),
            "https://overlay.example.org/.well-known/reload-config");
}

TEST(Printable, ShowsNoControlCharactersAndNotMoreThanAsked) {
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a?[2Jb?");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace controlplane::ctl

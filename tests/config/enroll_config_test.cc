// SPDX-License-Identifier: Apache-2.0
// enroll.toml: its reference says all there is to say and says the truth; what is wrong is named.

#include "config/enroll_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <tuple>

#include "config/section.h"

namespace config {
namespace {

using testing::HasSubstr;

const char* const kShortest = R"([authority]
overlay = "overlay.example.org"
certificate = "ca.pem"
key = "ca-key.pem"
[server]
certificate = "server.pem"
key = "server-key.pem"
)";

std::string reference_text() {
  std::ifstream file(REFERENCE_ENROLL_TOML);
  EXPECT_TRUE(file) << REFERENCE_ENROLL_TOML;
  return {std::istreambuf_iterator<char>(file), {}};
}

EnrollConfig parsed(const std::string& text) {
  EnrollLoadResult result = parse_enroll_config(text, "etc/enroll.toml");
  for (const ConfigError& error : result.errors) ADD_FAILURE() << error.text();
  return result.config.value_or(EnrollConfig{});
}

std::string first_error(const std::string& text) {
  const EnrollLoadResult result = parse_enroll_config(text, "enroll.toml");
  EXPECT_FALSE(result.config);
  return result.errors.empty() ? "" : result.errors.front().text();
}

TEST(ReferenceEnrollToml, HasEveryKeyThereIs) {
  const std::string text = reference_text();
  const toml::parse_result document = toml::parse(std::string_view(text));
  ASSERT_TRUE(document);
  for (const std::string& key : known_enroll_keys()) {
    EXPECT_TRUE(document.table().at_path(key)) << key;
  }
}

TEST(ReferenceEnrollToml, HasASentenceAboutEveryKey) {
  std::istringstream lines(reference_text());
  std::string before;
  for (std::string line; std::getline(lines, line); before = line) {
    if (line.find(" = ") == std::string::npos || line.starts_with('#')) continue;
    EXPECT_TRUE(before.starts_with("# ")) << line;
  }
}

TEST(ReferenceEnrollToml, ShowsTheDefaults) {
  const EnrollConfig shown = parsed(reference_text());
  const EnrollConfig defaults = parsed(kShortest);
  const auto all = [](const EnrollConfig& c) {
    return std::tie(c.overlay, c.ca_certificate, c.ca_key, c.validity_days, c.backdate_minutes,
                    c.revocation_list_hours, c.node_ids_per_user, c.store, c.listen,
                    c.tls_certificate, c.tls_key, c.enroll_path, c.admin_socket, c.scrypt_log2_n,
                    c.scrypt_r, c.scrypt_p, c.shortest_password, c.max_connections,
                    c.connections_per_source, c.request_timeout_s, c.source_per_hour,
                    c.source_burst, c.failures_per_hour, c.failures_burst, c.rate_entries,
                    c.workers, c.queue, c.challenge_at, c.challenge_wait_s);
  };
  EXPECT_TRUE(all(shown) == all(defaults));
  EXPECT_EQ(defaults.document, "");
}

TEST(EnrollConfig, ResolvesPathsFromTheDirectoryOfTheFile) {
  const EnrollConfig config = parsed(std::string(kShortest) + "[store]\nurl = \"sqlite:x.db\"\n");
  EXPECT_EQ(config.ca_certificate, "etc/ca.pem");
  EXPECT_EQ(config.store, "sqlite:etc/x.db");
}

TEST(EnrollConfig, NamesFileLineKeyAndWhatIsAccepted) {
  const std::string text(kShortest);
  EXPECT_EQ(first_error(text + "[limits]\nworkers = 0\n"),
            "enroll.toml:9: limits.workers = 0: accepted are 1 to 64");
  EXPECT_THAT(first_error(text + "[limits]\nworker = 1\n"), HasSubstr("workers"));
  EXPECT_THAT(first_error(text + "[store]\nurl = \"mysql://x\"\n"), HasSubstr("store.url"));
  EXPECT_THAT(first_error(text + "enroll_path = \"/crl\"\n"), HasSubstr("server.enroll_path"));
  EXPECT_THAT(first_error(text + "listen = \"x\"\n"), HasSubstr("server.listen"));
  EXPECT_THAT(first_error(text + "[password]\nscrypt_log2_n = 24\n"), HasSubstr("1 GiB"));
  std::string bad_name = text;
  bad_name.replace(bad_name.find("overlay.example.org"), 19, "-");
  EXPECT_THAT(first_error(bad_name), HasSubstr("authority.overlay"));
  EXPECT_THAT(first_error(""), HasSubstr("required"));
  EXPECT_THAT(first_error("["), HasSubstr("not TOML"));
}

TEST(EnrollConfig, AFileThatCannotBeReadIsAnError) {
  const EnrollLoadResult result = load_enroll_config("/nonexistent/enroll.toml");
  ASSERT_EQ(result.errors.size(), 1U);
  EXPECT_THAT(result.errors[0].text(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace config

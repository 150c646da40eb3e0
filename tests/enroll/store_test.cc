// SPDX-License-Identifier: Apache-2.0
// What a store promises, whichever database it is on: SQLite in a fresh file, or the PostgreSQL
// that HOPSEAL_POSTGRES_URL names (tests/support/private_postgres.py starts one), in a fresh
// schema.

#include "controlplane/enroll/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "controlplane/enroll/postgres_connection.h"
#include "controlplane/enroll/sql_store.h"
#include "controlplane/trust/issue.h"

namespace controlplane::enroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using wire::reload::NodeId;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr const char* kOverlay = "overlay.example.org";

NodeId node(unsigned char number) {
  NodeId id;
  id.bytes.fill(std::byte{0x42});
  id.bytes[15] = std::byte{number};
  return id;
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    static std::atomic<int> count{0};
    const std::string name = "t" + std::to_string(::getpid()) + "_" + std::to_string(++count);
    if (const char* const postgres = std::getenv("HOPSEAL_POSTGRES_URL")) {
      (void)PostgresConnection(postgres).execute("CREATE SCHEMA " + name, {});
      const std::string base(postgres);
      url_ = base + (base.find('?') == std::string::npos ? "?" : "&") + "options=-csearch_path%3D" +
             name;
    } else {
      file_ = std::filesystem::temp_directory_path() / ("hopseal-store-" + name);
      url_ = "sqlite:" + file_.string();
    }
    store_ = open_store(url_, kOverlay);
  }
  void TearDown() override {
    store_.reset();
    if (file_.empty()) return;
    for (const char* const suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(file_.string() + suffix);
    }
  }

  static AuditEntry by_operator(const std::string& action, const std::string& user) {
    return {kNow, action, user, "operator", ""};
  }
  User add(const std::string& name, std::uint32_t cap = 1) {
    User user{.name = name, .password_hash = "hash", .node_id_cap = cap, .created_unix_s = kNow};
    EXPECT_TRUE(store_->add_user(user, by_operator("user add", name)));
    return store_->find_user(name).value();
  }
  IssueWish wish(const User& user, std::uint32_t node_ids = 1) {
    return {.user_id = user.id,
            .node_ids = node_ids,
            .now_unix_s = kNow,
            .source = "192.0.2.7",
            .draw = [this] { return node(++drawn_); },
            .sign =
                [this](const auto& ids) {
                  return IssuedRecord{"S" + std::to_string(++serial_),
                                      {ids.at(0).bytes.begin(), ids.at(0).bytes.end()},
                                      kNow + 1000};
                }};
  }

  std::string url_;
  std::filesystem::path file_;
  std::unique_ptr<Store> store_;
  unsigned char drawn_ = 0;
  std::atomic<int> serial_{0};
};

TEST_F(StoreTest, KeepsAUserAsAdded) {
  const User user = add("alice@example.org", 3);
  EXPECT_EQ(user.name, "alice@example.org");
  EXPECT_EQ(user.password_hash, "hash");
  EXPECT_EQ(user.node_id_cap, 3U);
  EXPECT_EQ(user.state, UserState::kActive);
  EXPECT_EQ(user.created_unix_s, kNow);
  EXPECT_EQ(user.node_ids, 0U);
  EXPECT_FALSE(store_->find_user("Alice@example.org"));  // compared as binary (J-47)
}

TEST_F(StoreTest, TakesNoNameTwiceNotEvenOfARemovedUser) {
  (void)add("alice@example.org");
  const User again{.name = "alice@example.org", .password_hash = "x"};
  EXPECT_FALSE(store_->add_user(again, by_operator("user add", again.name)));
  EXPECT_TRUE(store_->set_state(again.name, UserState::kRemoved, by_operator("remove", "")));
  EXPECT_FALSE(store_->add_user(again, by_operator("user add", again.name)));
  EXPECT_FALSE(store_->set_password(again.name, "y", by_operator("password", "")));
  EXPECT_FALSE(store_->set_state(again.name, UserState::kActive, by_operator("enable", "")));
  EXPECT_FALSE(store_->set_node_id_cap(again.name, 9, by_operator("cap", "")));
  EXPECT_EQ(store_->find_user(again.name)->password_hash, "");
}

TEST_F(StoreTest, NeverTakesAValueForAStatement) {
  const std::string name = "x'); DROP TABLE enroll_users; --@example.org";
  (void)add(name);
  EXPECT_TRUE(store_->find_user(name));
  EXPECT_THAT(store_->users("", 10), SizeIs(1));
}

TEST_F(StoreTest, ListsUsersPageByPage) {
  for (const char* const name : {"c@e.org", "a@e.org", "b@e.org"}) (void)add(name);
  const auto first = store_->users("", 2);
  ASSERT_THAT(first, SizeIs(2));
  EXPECT_EQ(first[0].name, "a@e.org");
  const auto rest = store_->users(first[1].name, 2);
  ASSERT_THAT(rest, SizeIs(1));
  EXPECT_EQ(rest[0].name, "c@e.org");
}

TEST_F(StoreTest, ChangesPasswordStateAndCap) {
  (void)add("a@e.org");
  EXPECT_TRUE(store_->set_password("a@e.org", "new", by_operator("password", "a@e.org")));
  EXPECT_TRUE(store_->set_state("a@e.org", UserState::kDisabled, by_operator("off", "a@e.org")));
  EXPECT_TRUE(store_->set_node_id_cap("a@e.org", 7, by_operator("cap", "a@e.org")));
  const User user = store_->find_user("a@e.org").value();
  EXPECT_EQ(user.password_hash, "new");
  EXPECT_EQ(user.state, UserState::kDisabled);
  EXPECT_EQ(user.node_id_cap, 7U);
  EXPECT_FALSE(store_->set_password("nobody@e.org", "new", by_operator("password", "")));
}

TEST_F(StoreTest, GivesAReturningUserTheSameNodeIds) {  // J-51
  const User user = add("a@e.org", 3);
  const auto first = store_->issue(wish(user, 2));
  ASSERT_EQ(first.outcome, IssueOutcome::kIssued);
  EXPECT_FALSE(first.renewed);
  EXPECT_THAT(first.node_ids, ElementsAre(node(1), node(2)));
  const auto again = store_->issue(wish(user, 2));
  EXPECT_TRUE(again.renewed);
  EXPECT_EQ(again.node_ids, first.node_ids);
  EXPECT_NE(again.record.serial, first.record.serial);
  EXPECT_THAT(store_->issue(wish(user, 1)).node_ids, ElementsAre(node(1)));
  EXPECT_THAT(store_->issue(wish(user, 3)).node_ids, ElementsAre(node(1), node(2), node(3)));
  EXPECT_EQ(store_->find_user("a@e.org")->node_ids, 3U);
  EXPECT_EQ(store_->find_user("a@e.org")->certificates, 4U);
}

TEST_F(StoreTest, NeverGivesANodeIdToTwoUsers) {  // E-27
  const User a = add("a@e.org");
  const User b = add("b@e.org");
  ASSERT_THAT(store_->issue(wish(a)).node_ids, ElementsAre(node(1)));
  drawn_ = 0;  // the generator repeats itself
  EXPECT_THAT(store_->issue(wish(b)).node_ids, ElementsAre(node(2)));
  IssueWish stuck = wish(add("c@e.org"));
  stuck.draw = [] { return node(1); };
  EXPECT_EQ(store_->issue(stuck).outcome, IssueOutcome::kNoFreeNodeIds);
}

TEST_F(StoreTest, RefusesMoreNodeIdsThanTheCap) {
  const User user = add("a@e.org", 2);
  EXPECT_EQ(store_->issue(wish(user, 3)).outcome, IssueOutcome::kTooMany);
  EXPECT_EQ(store_->issue(wish(user, 2)).outcome, IssueOutcome::kIssued);
}

TEST_F(StoreTest, RefusesUsersThatAreNotActive) {
  const User user = add("a@e.org");
  EXPECT_TRUE(store_->set_state("a@e.org", UserState::kDisabled, by_operator("off", "a@e.org")));
  EXPECT_EQ(store_->issue(wish(user)).outcome, IssueOutcome::kNotActive);
  IssueWish nobody = wish(user);
  nobody.user_id = 999;
  EXPECT_EQ(store_->issue(nobody).outcome, IssueOutcome::kNotActive);
}

TEST_F(StoreTest, KeepsNoNodeIdsOfACertificateThatWasNotSigned) {
  const User user = add("a@e.org", 2);
  IssueWish unsigned_wish = wish(user, 2);
  unsigned_wish.sign = [](const auto&) { return std::nullopt; };
  EXPECT_EQ(store_->issue(unsigned_wish).outcome, IssueOutcome::kNotSigned);
  IssueWish broken = wish(user, 2);
  broken.sign = [](const auto&) -> std::optional<IssuedRecord> { throw std::runtime_error("x"); };
  EXPECT_THROW((void)store_->issue(broken), std::runtime_error);
  EXPECT_EQ(store_->find_user("a@e.org")->node_ids, 0U);
  EXPECT_THAT(store_->certificates("", 10), IsEmpty());
  EXPECT_EQ(store_->issue(wish(user, 2)).outcome, IssueOutcome::kIssued);
}

TEST_F(StoreTest, KeepsNothingOfACertificateThatCannotBeRecorded) {
  const User user = add("a@e.org", 2);
  ASSERT_EQ(store_->issue(wish(user)).outcome, IssueOutcome::kIssued);
  serial_ = 0;  // the same serial number again, which a store refuses
  EXPECT_THROW((void)store_->issue(wish(user, 2)), StoreError);
  EXPECT_EQ(store_->find_user("a@e.org")->node_ids, 1U);
  EXPECT_THAT(store_->certificates("", 10), SizeIs(1));
}

TEST_F(StoreTest, KeepsCertificatesWithTheirNodeIds) {
  const User user = add("a@e.org", 2);
  const auto issued = store_->issue(wish(user, 2));
  const auto found = store_->find_certificate(issued.record.serial);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "a@e.org");
  EXPECT_EQ(found->der, issued.record.der);
  EXPECT_EQ(found->node_ids, issued.node_ids);
  EXPECT_EQ(found->issued_unix_s, kNow);
  EXPECT_EQ(found->not_after_unix_s, kNow + 1000);
  EXPECT_FALSE(found->revoked_unix_s);
  EXPECT_FALSE(store_->find_certificate("S999"));
  const auto newer = store_->issue(wish(user, 1));
  EXPECT_EQ(store_->certificates("a@e.org", 1).at(0).serial, newer.record.serial);
  EXPECT_THAT(store_->certificates("b@e.org", 10), IsEmpty());
}

TEST_F(StoreTest, RevokesACertificateOnceAndListsItUntilItExpires) {
  const User user = add("a@e.org");
  const std::string serial = store_->issue(wish(user)).record.serial;
  EXPECT_THAT(store_->revoked(kNow), IsEmpty());
  EXPECT_TRUE(store_->revoke(serial, by_operator("revoke", "a@e.org")));
  EXPECT_FALSE(store_->revoke(serial, by_operator("revoke", "a@e.org")));
  EXPECT_FALSE(store_->revoke("S999", by_operator("revoke", "")));
  EXPECT_THAT(store_->revoked(kNow), ElementsAre(Revocation{serial, kNow}));
  EXPECT_THAT(store_->revoked(kNow + 1000), SizeIs(1));
  EXPECT_THAT(store_->revoked(kNow + 1001), IsEmpty());
}

TEST_F(StoreTest, RevokesEveryCertificateOfARemovedUser) {
  const User user = add("a@e.org");
  (void)store_->issue(wish(user));
  (void)store_->issue(wish(user));
  EXPECT_TRUE(store_->set_state("a@e.org", UserState::kRemoved, by_operator("remove", "a@e.org")));
  EXPECT_THAT(store_->revoked(kNow), SizeIs(2));
}

TEST_F(StoreTest, WritesDownWhoDidWhat) {
  const User user = add("a@e.org");
  const std::string serial = store_->issue(wish(user)).record.serial;
  (void)store_->issue(wish(user));
  EXPECT_TRUE(store_->revoke(serial, by_operator("revoke", "a@e.org")));
  const auto log = store_->audit_log(10);
  ASSERT_THAT(log, SizeIs(4));
  EXPECT_EQ(log[0].action, "revoke");
  EXPECT_EQ(log[1].action, "renew");
  EXPECT_EQ(log[2].action, "enroll");
  EXPECT_EQ(log[2].user, "a@e.org");
  EXPECT_EQ(log[2].source, "192.0.2.7");
  EXPECT_THAT(log[2].detail, HasSubstr(serial));
  EXPECT_EQ(log[3].action, "user add");
  EXPECT_THAT(store_->audit_log(1), SizeIs(1));
}

TEST_F(StoreTest, IsThereAgainAfterItWasClosed) {
  const User user = add("a@e.org");
  const auto first = store_->issue(wish(user));
  store_.reset();
  store_ = open_store(url_, kOverlay);
  EXPECT_EQ(store_->issue(wish(store_->find_user("a@e.org").value())).node_ids, first.node_ids);
}

TEST_F(StoreTest, IsRefusedToAnotherOverlay) {
  try {
    (void)open_store(url_, "other.example.org");
    FAIL() << "opened";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), HasSubstr("belongs to the overlay overlay.example.org"));
  }
}

TEST_F(StoreTest, ServesManyThreadsAndSeveralProcessesAtOnce) {
  // Each thread has a store of its own, as another process would.
  constexpr int kThreads = 4, kEach = 10;
  for (int i = 0; i < kThreads * kEach; ++i) (void)add("u" + std::to_string(i) + "@e.org");
  const User shared = add("shared@e.org", 2);
  std::vector<std::thread> threads;
  std::atomic<int> issued{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto own = open_store(url_, kOverlay);
      for (int i = 0; i < kEach; ++i) {
        const auto user = own->find_user("u" + std::to_string(t * kEach + i) + "@e.org").value();
        for (const std::int64_t id : {user.id, shared.id}) {
          IssueWish each = wish(user);
          each.user_id = id;
          each.node_ids = id == shared.id ? 2 : 1;
          each.draw = trust::random_node_id;
          if (own->issue(each).outcome == IssueOutcome::kIssued) ++issued;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(issued, 2 * kThreads * kEach);
  std::set<std::string> ids;
  for (const StoredCertificate& certificate : store_->certificates("", 1000)) {
    EXPECT_THAT(certificate.node_ids, SizeIs(certificate.user == shared.name ? 2 : 1));
    for (const NodeId& id : certificate.node_ids)
      ids.emplace(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
  }
  EXPECT_THAT(ids, SizeIs(kThreads * kEach + 2));
}

TEST_F(StoreTest, OnSqliteIsReadableForItsOwnerOnly) {
  if (file_.empty()) GTEST_SKIP() << "PostgreSQL keeps its own files";
  struct stat status = {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(StoreTest, OnSqliteIsRefusedWhenItsSchemaIsOfAnotherVersion) {
  if (file_.empty()) GTEST_SKIP() << "the schema is edited with SQLite here";
  store_.reset();
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file_.c_str(), &database), SQLITE_OK);
  sqlite3_exec(database, "UPDATE enroll_meta SET value = '2' WHERE name = 'schema'", nullptr,
               nullptr, nullptr);
  sqlite3_close(database);
  EXPECT_THROW((void)open_store(url_, kOverlay), StoreError);
}

TEST_F(StoreTest, OnPostgresComesBackWhenTheConnectionWasLost) {
  if (!file_.empty()) GTEST_SKIP() << "SQLite has no connection to lose";
  (void)add("a@e.org");
  PostgresConnection other(std::getenv("HOPSEAL_POSTGRES_URL"));
  (void)other.execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
      "application_name = 'hopseal-enroll'",
      {});
  EXPECT_TRUE(store_->find_user("a@e.org"));
}

TEST(OpenStore, SaysWhatItCannotOpen) {
  EXPECT_THROW((void)open_store("mysql://x", kOverlay), StoreError);
  EXPECT_THROW((void)open_store("sqlite:/nonexistent/x.db", kOverlay), StoreError);
  try {
    (void)open_store("postgresql://user:geheim@127.0.0.1:1/x", kOverlay);
    FAIL() << "opened";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("geheim")));
  }
}

}  // namespace
}  // namespace controlplane::enroll

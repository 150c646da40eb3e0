// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace controlplane::enroll {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string part(const std::string& name, const std::string& body, const std::string& more = "") {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n" + more + "\r\n" + body +
         "\r\n";
}

std::string refusal(const std::string& body) {
  std::string why;
  EXPECT_FALSE(parse_form(body, "b", why));
  EXPECT_NE(why, "");
  return why;
}

TEST(FormBoundary, IsFoundWithOrWithoutQuotes) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("Multipart/Form-Data;charset=utf-8; Boundary=\"a b\\\"c\""), "a b\"c");
  EXPECT_FALSE(form_boundary("multipart/form-data"));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary="));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=\"\""));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=\"a"));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=\"a \""));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=a; boundary=b"));
  EXPECT_FALSE(form_boundary("multipart/mixed; boundary=abc"));
  EXPECT_FALSE(form_boundary("application/x-www-form-urlencoded"));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
}

TEST(Form, PartsComeAsTheyWereSent) {
  std::string why;
  const std::string body = part("username", "alice") +
                           part("csr", std::string("\0\r\n--c\r\n", 9),
                                "Content-Type: Application/PKCS10; x=y\r\n"
                                "Content-Transfer-Encoding: binary\r\n") +
                           part("empty", "") + "--b--\r\nepilogue";
  const auto parts = parse_form(body, "b", why);
  ASSERT_TRUE(parts) << why;
  ASSERT_THAT(*parts, SizeIs(3));
  EXPECT_EQ(parts->at(0).name, "username");
  EXPECT_EQ(parts->at(0).body, "alice");
  EXPECT_EQ(parts->at(0).content_type, "text/plain");
  EXPECT_EQ(parts->at(1).content_type, "application/pkcs10");
  EXPECT_EQ(parts->at(1).body, std::string_view("\0\r\n--c\r\n", 9));
  EXPECT_EQ(parts->at(2).body, "");
}

TEST(Form, NamesMayBeQuotedOrNot) {
  std::string why;
  const std::string body =
      "--b \t\r\ncontent-disposition: FORM-DATA; filename=\"x;y\" ; name=csr\r\n\r\n1\r\n--b--";
  const auto parts = parse_form(body, "b", why);
  ASSERT_TRUE(parts) << why;
  EXPECT_EQ(parts->at(0).name, "csr");
}

TEST(Form, WithoutPartsIsEmpty) {
  std::string why;
  const auto parts = parse_form("--b--\r\n", "b", why);
  ASSERT_TRUE(parts);
  EXPECT_THAT(*parts, SizeIs(0));
}

TEST(Form, IsRefusedWhenItIsNotWhole) {
  const std::string whole = part("a", "1") + part("c", "2") + "--b--";
  for (std::size_t size = 0; size < whole.size(); ++size) (void)refusal(whole.substr(0, size));
}

TEST(Form, SaysWhatIsWrong) {
  EXPECT_THAT(refusal("x" + part("a", "1") + "--b--"), HasSubstr("begin"));
  EXPECT_THAT(refusal("--bx\r\n"), HasSubstr("end of its line"));
  EXPECT_THAT(refusal(part("a", "1") + part("a", "2") + "--b--"), HasSubstr("same name"));
  EXPECT_THAT(refusal("--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--"), HasSubstr("no name"));
  EXPECT_THAT(refusal("--b\r\nnonsense\r\n\r\n1\r\n--b--"), HasSubstr("no colon"));
  EXPECT_THAT(refusal("--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b--"),
              HasSubstr("form-data"));
  EXPECT_THAT(refusal("--b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1\r\n--b--"),
              HasSubstr("form-data"));
  EXPECT_THAT(refusal(part("a", "MQ==", "Content-Transfer-Encoding: base64\r\n") + "--b--"),
              HasSubstr("encoded"));
  EXPECT_THAT(refusal(part("a", "1", "X: " + std::string(1024, 'x') + "\r\n") + "--b--"),
              HasSubstr("without an end"));
  std::string many;
  for (std::size_t i = 0; i <= kMostParts; ++i) many += part("p" + std::to_string(i), "");
  EXPECT_THAT(refusal(many + "--b--"), HasSubstr("too many"));
}

}  // namespace
}  // namespace controlplane::enroll

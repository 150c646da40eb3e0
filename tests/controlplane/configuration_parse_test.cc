// SPDX-License-Identifier: Apache-2.0
// What is read of a configuration document, and how each wrong one is refused.

#include "controlplane/configuration/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>
#include <iterator>
#include <string>

#include "controlplane/configuration/base64.h"
#include "controlplane/configuration/date_time.h"

namespace controlplane::configuration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::reload::KindId;

std::string rfc_example() {
  std::ifstream file(VECTORS_DIRECTORY "/configuration/rfc6940_example.relo");
  EXPECT_TRUE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A document with @p inside in its one configuration, from line 3 on.
std::string with(
    const std::string& inside,
    const std::string& attributes =
        R"(instance-name="a.example" sequence="1" expiration="2040-01-01T00:00:00Z")") {
  return "<overlay xmlns=\"urn:ietf:params:xml:ns:p2p:config-base\" "
         "xmlns:chord=\"urn:ietf:params:xml:ns:p2p:config-chord\" xmlns:x=\"urn:x\">\n"
         "<configuration " +
         attributes + ">\n" + inside + "\n</configuration>\n</overlay>\n";
}

OverlayConfiguration read(const std::string& inside) {
  Document document = parse_document(with(inside));
  EXPECT_TRUE(document.fault.ok()) << document.fault.sentence();
  return document.configurations.empty() ? OverlayConfiguration{}
                                         : document.configurations.front().configuration;
}

std::string hex_id(char digit) { return std::string(32, digit); }

constexpr const char* kKind =
    "<data-model>SINGLE</data-model><access-control>USER-MATCH</access-control>"
    "<max-count>1</max-count><max-size>2</max-size>";

std::string kind_block(const std::string& attribute, const std::string& inside = kKind) {
  return "<kind-block><kind " + attribute + ">" + inside +
         "</kind><kind-signature>AAAA</kind-signature></kind-block>";
}
std::string required(const std::string& blocks) {
  return "<required-kinds>" + blocks + "</required-kinds>";
}

TEST(ConfigurationParse, TakesTheExampleOfTheRfc) {
  const std::string file = rfc_example();
  const Document document = parse_document(file);
  ASSERT_TRUE(document.fault.ok()) << document.fault.sentence();
  ASSERT_EQ(document.configurations.size(), 2U);
  const ConfigurationElement* element = document.find("Overlay.Example.ORG");
  ASSERT_NE(element, nullptr);
  const OverlayConfiguration& read = element->configuration;
  EXPECT_EQ(read.sequence, 22);
  EXPECT_EQ(read.expiration_unix_s, 1034233200);
  EXPECT_EQ(read.topology_plugin, "CHORD-RELOAD");
  EXPECT_EQ(read.node_id_length, 16);
  EXPECT_EQ(read.root_certs.size(), 1U) << "the other one says \"bad cert\"";
  EXPECT_THAT(read.enrollment_servers, ElementsAre("https://example.org", "https://example.net"));
  EXPECT_FALSE(read.self_signed_permitted);
  EXPECT_EQ(read.self_signed_digest, Digest::kSha1);
  ASSERT_EQ(read.bootstrap_nodes.size(), 3U);
  EXPECT_EQ(read.bootstrap_nodes[0].family, 4);
  EXPECT_EQ(read.bootstrap_nodes[2].family, 6);
  EXPECT_EQ(read.bootstrap_nodes[2].port, 6084);
  EXPECT_EQ(read.turn_density, 20U);
  EXPECT_FALSE(read.clients_permitted);
  EXPECT_FALSE(read.no_ice);
  EXPECT_EQ(read.chord_update_interval_s, 400U);
  EXPECT_EQ(read.chord_ping_interval_s, 30U);
  EXPECT_TRUE(read.chord_reactive);
  EXPECT_EQ(read.shared_secret, "password");
  EXPECT_EQ(read.max_message_size, 4000U);
  EXPECT_EQ(read.initial_ttl, 30);
  EXPECT_EQ(read.overlay_reliability_timer_ms, 3000U);
  EXPECT_THAT(read.overlay_link_protocols, ElementsAre("TLS"));
  EXPECT_THAT(read.configuration_signers, IsEmpty()) << "its Node-IDs have 8 bytes";
  EXPECT_THAT(read.mandatory_extensions, ElementsAre("urn:ietf:params:xml:ns:p2p:config-ext1"));
  ASSERT_EQ(read.foreign.size(), 1U);
  EXPECT_EQ(read.foreign[0].name, "example-extension");
  EXPECT_EQ(read.foreign[0].text, "foo");
  EXPECT_EQ(read.foreign[0].xml, "<ext:example-extension> foo </ext:example-extension>");
  ASSERT_EQ(read.required_kinds.size(), 2U);
  const Kind& sip = read.required_kinds[0].kind;
  EXPECT_EQ(sip.id, KindId{1});
  EXPECT_EQ(sip.data_model, DataModel::kDictionary) << "as registered, whatever the document says";
  EXPECT_EQ(sip.access_control, "USER-NODE-MATCH");
  const Kind& own = read.required_kinds[1].kind;
  EXPECT_EQ(own.id, KindId{2000});
  EXPECT_EQ(own.max_node_multiple, 3U);
  EXPECT_EQ(own.max_count, 22U);
  EXPECT_EQ(element->signatures.size(), 1U);
  // Five signers and bad nodes, a certificate, a Kind that differs, an id outside its range.
  EXPECT_EQ(element->warnings.size(), 8U);

  const ConfigurationElement* other = document.find("other.example.net");
  ASSERT_NE(other, nullptr);
  EXPECT_FALSE(other->configuration.sequence);
  EXPECT_EQ(other->signatures.size(), 1U);
}

TEST(ConfigurationParse, KeepsSignedElementsToTheByte) {
  const std::string file = rfc_example();
  const Document document = parse_document(file);
  const ConfigurationElement* element = document.find("overlay.example.org");
  ASSERT_NE(element, nullptr);
  const std::size_t begin = file.find("<configuration ");
  const std::size_t end = file.find("</configuration>") + 16;
  EXPECT_EQ(element->signed_bytes, file.substr(begin, end - begin));
  const std::string& kind = element->configuration.required_kinds[1].signed_bytes;
  const std::size_t kind_begin = file.find("<kind id=\"2000\"");
  EXPECT_EQ(kind, file.substr(kind_begin, file.find("</kind>", kind_begin) + 7 - kind_begin));
}

TEST(ConfigurationParse, IsNotMisledByTagsInCommentsSectionsAndValues) {
  const std::string inside =
      "<!-- </configuration> --><x:a y='</configuration>' z=\">\"/><?pi </configuration>?>"
      "<x:b><![CDATA[</configuration>]]></x:b>";
  const std::string file = with(inside, "instance-name='a.example'");
  // A '<' in an attribute's value is no XML.
  EXPECT_EQ(parse_document(file).fault.refusal, Refusal::kNotWellFormed);
  std::string good = file;
  good.replace(good.find("y='</configuration>'"), 20, "y='&lt;/configuration>'");
  const Document document = parse_document(good);
  ASSERT_TRUE(document.fault.ok()) << document.fault.sentence();
  const std::size_t begin = good.find("<configuration");
  EXPECT_EQ(document.configurations[0].signed_bytes,
            good.substr(begin, good.rfind("</configuration>") + 16 - begin));
  EXPECT_EQ(document.configurations[0].configuration.foreign[1].text, "</configuration>");
}

TEST(ConfigurationParse, HasTheDefaultsOfTheRfc) {
  const OverlayConfiguration read_one = read("");
  EXPECT_EQ(read_one.topology_plugin, "CHORD-RELOAD");
  EXPECT_EQ(read_one.node_id_length, 16);
  EXPECT_EQ(read_one.turn_density, 1U);
  EXPECT_TRUE(read_one.clients_permitted);
  EXPECT_FALSE(read_one.no_ice);
  EXPECT_EQ(read_one.chord_update_interval_s, 600U);
  EXPECT_EQ(read_one.chord_ping_interval_s, 3600U);
  EXPECT_TRUE(read_one.chord_reactive);
  EXPECT_FALSE(read_one.shared_secret);
  EXPECT_EQ(read_one.max_message_size, 5000U);
  EXPECT_EQ(read_one.initial_ttl, 100);
  EXPECT_EQ(read_one.overlay_reliability_timer_ms, 3000U);
  EXPECT_THAT(read_one.overlay_link_protocols, ElementsAre("TLS"));
  EXPECT_FALSE(read_one.needs_enrollment());
  EXPECT_EQ(read("<bootstrap-node address='192.0.2.1'/>").bootstrap_nodes[0].port, 6084);
}

TEST(ConfigurationParse, TrimsValuesAndTakesBothFormsOfABoolean) {
  EXPECT_TRUE(read("<no-ice>\n 1\t</no-ice>").no_ice);
  EXPECT_FALSE(read("<clients-permitted> 0 </clients-permitted>").clients_permitted);
  EXPECT_EQ(read("<initial-ttl>\n7\n</initial-ttl>").initial_ttl, 7);
  EXPECT_EQ(read("<kind-signer> " + hex_id('A') + "\n</kind-signer>").kind_signers.size(), 1U);
  EXPECT_EQ(read("<turn-density> 1000 </turn-density>").turn_density, 1000U) << "no byte (X-12)";
}

TEST(ConfigurationParse, NamingALinkProtocolLeavesNoDefault) {
  EXPECT_THAT(
      read("<overlay-link-protocol>EXP-PROTOCOL</overlay-link-protocol>").overlay_link_protocols,
      ElementsAre("EXP-PROTOCOL"));
}

TEST(ConfigurationParse, ReadsAroundUnknownElementsWithAWarning) {
  const Document document =
      parse_document(with("<flux-capacitor>1</flux-capacitor><x:own x:a='b'><y xmlns=''/></x:own>"
                          "<chord:chord-colour>red</chord:chord-colour>"));
  ASSERT_TRUE(document.fault.ok()) << document.fault.sentence();
  const ConfigurationElement& element = document.configurations[0];
  ASSERT_EQ(element.warnings.size(), 2U) << "foreign elements are nobody's business";
  EXPECT_EQ(element.warnings[0].sentence(), "line 3, flux-capacitor: is unknown and was ignored");
  EXPECT_EQ(element.configuration.foreign.size(), 1U);
  EXPECT_EQ(element.configuration.foreign[0].ns, "urn:x");
}

struct Wrong {
  const char* what;
  std::string file;
  Refusal refusal;
  const char* says;
};

std::vector<Wrong> wrong_documents() {
  const std::string ten_megabytes(10U << 20U, ' ');
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<x:a>";
  std::string attributes = "<x:a";
  for (int i = 0; i < 10'000; ++i) attributes += " a" + std::to_string(i) + "='1'";
  std::string many;
  for (int i = 0; i < 9000; ++i) many += "<x:a/>";
  const std::string bomb =
      "<?xml version='1.0'?>\n<!DOCTYPE overlay [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b "
      "'&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>\n";
  const std::string external = "<!DOCTYPE overlay [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>\n";
  const auto cert = [](const std::string& text) { return "<root-cert>" + text + "</root-cert>"; };
  return {
      {"10 MB", with(ten_megabytes), Refusal::kTooLarge, "10485"},
      {"entity bomb", bomb + with("<no-ice>&c;</no-ice>"), Refusal::kDocumentType, "line 2"},
      {"external entity", external + with("&a;"), Refusal::kDocumentType, "line 1"},
      {"external subset", "<!DOCTYPE overlay SYSTEM 'http://192.0.2.1/x.dtd'>" + with(""),
       Refusal::kDocumentType, "line 1"},
      {"unknown entity", with("<no-ice>&a;</no-ice>"), Refusal::kNotWellFormed, "line 3"},
      {"deep nesting", with(deep), Refusal::kTooDeep, "line 3, x:a"},
      {"attributes", with(attributes + "/>"), Refusal::kTooMany, "attributes"},
      {"elements", with(many), Refusal::kTooMany, "8192"},
      {"nothing", "", Refusal::kNotWellFormed, "no element"},
      {"text", "hello", Refusal::kNotWellFormed, "no element"},
      {"cut short", with("").substr(0, 240), Refusal::kNotWellFormed, "line 5: never closed"},
      {"never ended", with("").substr(0, with("").find("</")), Refusal::kNotWellFormed,
       "line 2, configuration"},
      {"wrong order", with("<x:a><x:b></x:a></x:b>"), Refusal::kNotWellFormed, "line 3, x:b"},
      {"unquoted", with("<x:a b=c/>"), Refusal::kNotWellFormed, "line 3"},
      {"prefix", with("<q:a/>"), Refusal::kNotWellFormed, "line 3"},
      {"two roots", with("") + "<a/>", Refusal::kNotWellFormed, ""},
      {"a zero", with(std::string(1, '\0')), Refusal::kEncoding, "zero"},
      {"latin 1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + with(""), Refusal::kEncoding,
       "UTF-8"},
      {"not utf-8", with("<x:a>\xff</x:a>"), Refusal::kEncoding, "line 3"},
      {"utf-16", std::string("\xff\xfe<\0", 4), Refusal::kEncoding, "zero"},
      {"other root", "<a/>", Refusal::kSchema, "line 1, a"},
      {"other namespace",
       "<overlay xmlns='urn:ietf:params:xml:ns:p2p:config'><configuration "
       "instance-name='a.example'/></overlay>",
       Refusal::kSchema, "config-base"},
      {"no namespace", with("<no-ice xmlns=''>true</no-ice>"), Refusal::kSchema, "line 3, no-ice"},
      {"no configuration", "<overlay xmlns='urn:ietf:params:xml:ns:p2p:config-base'/>",
       Refusal::kSchema, "line 1"},
      {"name", with("", "sequence='1'"), Refusal::kValue, "instance-name"},
      {"no DNS name", with("", "instance-name='a b'"), Refusal::kValue, "\"a b\""},
      {"attribute", with("", "instance-name='a' colour='red'"), Refusal::kSchema, "line 2"},
      {"sequence", with("", "instance-name='a' sequence='65535'"), Refusal::kValue, "65534"},
      {"negative", with("", "instance-name='a' sequence='-1'"), Refusal::kValue, "65534"},
      {"date", with("", "instance-name='a' expiration='2040-02-30T00:00:00Z'"), Refusal::kValue,
       "RFC 3339"},
      {"local time", with("", "instance-name='a' expiration='2040-01-01T00:00:00+01:00'"),
       Refusal::kValue, "UTC"},
      {"boolean", with("<no-ice>yes</no-ice>"), Refusal::kValue, "line 3, no-ice: \"yes\""},
      {"capitals", with("<chord:chord-reactive>True</chord:chord-reactive>"), Refusal::kValue,
       "\"True\""},
      {"twice", with("<no-ice>true</no-ice>\n<no-ice>true</no-ice>"), Refusal::kSchema,
       "line 4, no-ice"},
      {"20 bytes", with("<node-id-length>20</node-id-length>"), Refusal::kNodeIdLength, "20"},
      {"21 bytes", with("<node-id-length>21</node-id-length>"), Refusal::kValue, "16 to 20"},
      {"timer", with("<overlay-reliability-timer>199</overlay-reliability-timer>"), Refusal::kValue,
       "200"},
      {"ttl", with("<initial-ttl>256</initial-ttl>"), Refusal::kValue, "255"},
      {"number", with("<max-message-size>4k</max-message-size>"), Refusal::kValue, "\"4k\""},
      {"huge", with("<max-message-size>99999999999999999999</max-message-size>"), Refusal::kValue,
       "999"},
      {"base64", with(cert("!!!!")), Refusal::kValue, "base64"},
      {"padding", with(cert("QUI")), Refusal::kValue, "base64"},
      {"http", with("<enrollment-server>http://example.org</enrollment-server>"), Refusal::kValue,
       "https"},
      {"inner url", with("<enrollment-server><url>https://example.org</url></enrollment-server>"),
       Refusal::kValue, "line 3, enrollment-server"},
      {"digest", with("<self-signed-permitted digest='md5'>true</self-signed-permitted>"),
       Refusal::kValue, "md5"},
      {"no digest", with("<self-signed-permitted>true</self-signed-permitted>"), Refusal::kValue,
       "sha1"},
      {"host name", with("<bootstrap-node address='example.org'/>"), Refusal::kValue, "IPv4"},
      {"address and port", with("<bootstrap-node address='192.0.2.1:6084'/>"), Refusal::kValue,
       "IPv4"},
      {"port", with("<bootstrap-node address='192.0.2.1' port='0'/>"), Refusal::kValue, "65535"},
      {"signer", with("<kind-signer>xyz</kind-signer>"), Refusal::kValue, "hexadecimal"},
      {"nobody", with("<bad-node>" + hex_id('0') + "</bad-node>"), Refusal::kValue, "hexadecimal"},
      {"everybody", with("<bad-node>" + hex_id('f') + "</bad-node>"), Refusal::kValue,
       "hexadecimal"},
      {"empty", with("<topology-plugin> </topology-plugin>"), Refusal::kValue, "empty"},
      {"text between", with("some words"), Refusal::kSchema, ""},
      {"both", with(required(kind_block("name='A' id='1'"))), Refusal::kSchema, "name or an id"},
      {"neither", with(required(kind_block(""))), Refusal::kSchema, "name or an id"},
      {"reserved Kind", with(required(kind_block("id='4294967294'"))), Refusal::kValue, "reserved"},
      {"bare Kind", with(required(kind_block("name='A'", "<max-size>1</max-size>"))),
       Refusal::kSchema, "max-count"},
      {"Kind twice", with(required(kind_block("name='REDIR'") + kind_block("id='260'"))),
       Refusal::kDuplicate, "kind-block"},
      {"multiple",
       with(required(
           kind_block("id='4026531841'",
                      "<data-model>ARRAY</data-model><access-control>NODE-MULTIPLE</access-control>"
                      "<max-count>1</max-count><max-size>2</max-size>"))),
       Refusal::kSchema, "max-node-multiple"},
      {"no kind-signature",
       with(required("<kind-block><kind name='A'>" + std::string(kKind) + "</kind></kind-block>")),
       Refusal::kSchema, "kind-signature"},
      {"two configurations",
       "<overlay xmlns='urn:ietf:params:xml:ns:p2p:config-base'><configuration "
       "instance-name='a.example'/><configuration instance-name='A.example'/></overlay>",
       Refusal::kDuplicate, "configured already"},
      {"signature first",
       "<overlay xmlns='urn:ietf:params:xml:ns:p2p:config-base'><signature>AAAA</signature>"
       "<configuration instance-name='a.example'/></overlay>",
       Refusal::kSchema, "before"},
      {"signature",
       "<overlay xmlns='urn:ietf:params:xml:ns:p2p:config-base'><configuration "
       "instance-name='a.example'/><signature>?</signature></overlay>",
       Refusal::kSignatureFormat, "base64"},
  };
}

TEST(ConfigurationParse, RefusesEachWrongDocumentForItsReason) {
  for (const Wrong& wrong : wrong_documents()) {
    const Document document = parse_document(wrong.file);
    EXPECT_EQ(refusal_name(document.fault.refusal), std::string(refusal_name(wrong.refusal)))
        << wrong.what << ": " << document.fault.sentence();
    EXPECT_THAT(document.fault.sentence(), HasSubstr(wrong.says)) << wrong.what;
    EXPECT_TRUE(document.configurations.empty()) << wrong.what;
  }
}

TEST(ConfigurationParse, KeepsNoMemoryOfWhatItRefused) {
  const auto documents = wrong_documents();
  const auto refuse_all = [&documents] {
    for (const Wrong& wrong : documents) {
      EXPECT_FALSE(parse_document(wrong.file).fault.ok()) << wrong.what;
    }
  };
  refuse_all();  // the grammar and libxml2's own tables are made once
  const std::size_t before = ::mallinfo2().uordblks;
  for (int times = 0; times < 20; ++times) refuse_all();
  const std::size_t after = ::mallinfo2().uordblks;
  // Twenty times sixty documents: a leak of 100 bytes each would be twice this.
  EXPECT_LT(after, before + 64 * 1024);
}

TEST(KindBlocks, AreReadWithoutARoot) {
  const KindBlocks read = parse_kind_blocks(
      kind_block("id='4026531841'") + "\n" +
      kind_block("name='TURN-SERVICE'",
                 std::string(kKind) + "<max-node-multiple>20</max-node-multiple>"));
  ASSERT_TRUE(read.fault.ok()) << read.fault.sentence();
  ASSERT_EQ(read.blocks.size(), 2U);
  EXPECT_EQ(read.blocks[0].signed_bytes, "<kind id='4026531841'>" + std::string(kKind) + "</kind>");
  EXPECT_EQ(read.blocks[1].line, 2U);
  EXPECT_EQ(read.blocks[1].kind.access_control, "NODE-MULTIPLE");
  EXPECT_EQ(read.warnings.size(), 1U);
}

TEST(KindBlocks, AreRefusedWhenTheyAreSomethingElse) {
  const auto refusal = [](const std::string& xml) { return parse_kind_blocks(xml).fault.refusal; };
  EXPECT_EQ(refusal(""), Refusal::kSchema);
  EXPECT_EQ(refusal("</required-kinds><required-kinds>"), Refusal::kNotWellFormed);
  EXPECT_EQ(refusal("<!DOCTYPE a>"), Refusal::kDocumentType);
  EXPECT_EQ(refusal(kind_block("")), Refusal::kSchema);
  EXPECT_EQ(refusal(std::string(2U << 20U, ' ')), Refusal::kTooLarge);
}

TEST(CannotJoin, NamesEveryRequirementThatIsNotMet) {
  OverlayConfiguration configuration;
  configuration.no_ice = true;
  const Abilities abilities{.extensions = {"urn:a"}, .access_controls = {"USER-MATCH"}};
  EXPECT_THAT(cannot_join(configuration, abilities), IsEmpty());
  configuration.mandatory_extensions = {"urn:a", "urn:A"};
  EXPECT_THAT(cannot_join(configuration, abilities), ElementsAre(HasSubstr("urn:A")))
      << "namespaces are case-sensitive";
  configuration.no_ice = false;
  configuration.topology_plugin = "KADEMLIA";
  configuration.node_id_length = 20;
  configuration.overlay_link_protocols = {"EXP-PROTOCOL"};
  configuration.required_kinds.resize(3);
  configuration.required_kinds[0].kind.name = "UNHEARD-OF";
  configuration.required_kinds[1].kind.id = KindId{0xf0000001};
  configuration.required_kinds[1].kind.data_model = DataModel::kOther;
  configuration.required_kinds[2].kind.id = KindId{0xf0000002};
  configuration.required_kinds[2].kind.access_control = "USER-CHAIN-ACL";
  EXPECT_THAT(
      cannot_join(configuration, abilities),
      ElementsAre(HasSubstr("KADEMLIA"), HasSubstr("node-id-length"),
                  HasSubstr("overlay-link-protocol"), HasSubstr("no-ice"), HasSubstr("urn:A"),
                  HasSubstr("UNHEARD-OF"), HasSubstr("data-model"), HasSubstr("USER-CHAIN-ACL")));
}

TEST(RefreshTime, LiesInTheSecondHalfOfWhatIsLeft) {
  EXPECT_EQ(refresh_time(1000, 2000, 0), 1500);
  EXPECT_EQ(refresh_time(1000, 2000, 0xffffffff), 1999);
  EXPECT_EQ(refresh_time(1000, 900, 0xffffffff), 1000);
  EXPECT_LT(refresh_time(0, 253402300799, 0xffffffff), 253402300799);
}

TEST(DateTime, IsReadAsWritten) {
  for (const char* text :
       {"1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "9999-12-31T23:59:59Z"}) {
    const auto time = parse_date_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(to_date_time(*time), text);
  }
  EXPECT_EQ(parse_date_time("2002-10-10t07:00:00.250z"), 1034233200);
  EXPECT_EQ(parse_date_time("2002-10-10T07:00:00+00:00"), 1034233200);
  EXPECT_EQ(parse_date_time("2016-12-31T23:59:60Z"), 1483228800);
  for (const char* text : {"", "2002-10-10", "2002-10-10T07:00:00", "2002-10-10 07:00:00Z",
                           "2002-10-10T24:00:00Z", "2002-13-10T07:00:00Z", "2002-10-10T07:00:00.Z",
                           "2001-02-29T07:00:00Z", "2002-10-10T07:00:00Z ", "02-10-10T07:00:00Z"}) {
    EXPECT_FALSE(parse_date_time(text)) << text;
  }
}

TEST(Base64, HasOneEncodingOfEachValue) {
  const auto size = [](std::string_view text) -> int {
    const auto bytes = decode_base64(text);
    return bytes ? static_cast<int>(bytes->size()) : -1;
  };
  EXPECT_EQ(size(""), 0);
  EXPECT_EQ(size(" QUJD\n\tQQ== "), 4);
  EXPECT_EQ(size("QUI="), 2);
  for (const char* text : {"QUI", "QUJ=", "QR==", "Q===", "====", "QQ==QQ==", "QU-_", "QU.I"}) {
    EXPECT_EQ(size(text), -1) << text;
  }
  const std::vector<std::byte> bytes(100, std::byte{0xfb});
  EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
  EXPECT_EQ(encode_base64(bytes).find('\n'), 64U);
}

}  // namespace
}  // namespace controlplane::configuration

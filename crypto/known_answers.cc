// SPDX-License-Identifier: Apache-2.0
// The known answers, as data. Ed25519: RFC 8032 section 7.1 and keys of small order; ECDSA: RFC
// 6979 appendix A.2.5; RSA: a key made for this file.

#include "crypto/self_test.h"

namespace crypto {
namespace {

constexpr const char* kEd25519Test1Key =
    "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68"
    "f707511a";
constexpr const char* kEd25519Test2Key =
    "302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f1"
    "2af4660c";
constexpr const char* kEd25519OrderFourKey =
    "302a300506032b657003210000000000000000000000000000000000000000000000000000000000"
    "00000000";
constexpr const char* kEcdsaKey =
    "3059301306072a8648ce3d020106082a8648ce3d0301070342000460fed4ba255a9d31c961eb74c6"
    "356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d"
    "7e9f5177a3c294d4462299";
constexpr const char* kRsaKey =
    "30820122300d06092a864886f70d01010105000382010f003082010a02820101008817f5015f8579"
    "f3038db121d0d585ed92ae2e5cef25bdd74bedd9484d07fa2bd0d983c930d01b1f47b47df33335fd"
    "a3b4172d2afc6da6a4561e2751ca4729e97449d0da0f901166f9118d0c6c7349ad6822d044210dc0"
    "51d5967b6ca73bfbc3f789c8c9d416429666fb2a67f91ec415daa65685d26531902b813c44f09c62"
    "e8caeb415597fef13244a41f478a9e672cc106750803115873493424199890cbf7f43c6f856b499b"
    "3cf6ec059ea139a470e9e86adb1bce6df90f8c51bc9bfdc7f925eb5ac6fa5d47a9215a68aedd1207"
    "89c64e4ee72765badbf7ebeb1b080c59bf071f6a334e3967713447317dc88b7d48e23c190ca6d63e"
    "070dab408b4c2ffbbb0203010001";
constexpr const char* kEd25519Test2Signature =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
    "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
constexpr const char* kIdentityAndZero =
    "01000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000";
constexpr const char* kEcdsaSignature =
    "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716022100"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
constexpr const char* kRsaSignature =
    "651488cc8316b0a1eb5a9ff6a806fca52b54a921973ad0357bf4ddd9bd84a6fecdc93fbe2483b08f"
    "1a0411ee09c26a81f3c32bac29a06cfef813646214dc1efbfc78f88d7d3a27f00ca290251cef5be5"
    "c2fe45d98e6150e6ba238ab40ef8abf9cd3acce6eaac6fade8722c00966e65998667d7d5d99fcb4a"
    "cad7bd644049e9c4a4e1615cdfc56df4d464ebc0a7192b81625b9e21c3b086833d7182a2a87446d6"
    "36b86e827250730f0063f7421b2ed988dbb06c63fda36b8a412c9ae10350de3dd0842ae0551260a1"
    "22a05d01cee912e407a01885c8c799b940d3d6c1f25e859f04a3d2d74209314f07f043bf003540ea"
    "cba3fdc164333813d9150f0d9160ae5e";

constexpr KnownAnswer kKnownAnswers[] = {
    {"ed25519: RFC 8032 test 1, empty message", kEd25519Test1Key, "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
     "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
     Verdict::kValid},
    {"ed25519: RFC 8032 test 2", kEd25519Test2Key, "72", kEd25519Test2Signature, Verdict::kValid},
    {"ed25519: another message", kEd25519Test2Key, "73", kEd25519Test2Signature,
     Verdict::kBadSignature},
    {"ed25519: another key", kEd25519Test1Key, "72", kEd25519Test2Signature,
     Verdict::kBadSignature},
    {"ed25519: S plus the group order", kEd25519Test2Key, "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69daf52db7415978abc6"
     "1b2c2eb6aeebfca0387b2eaeb4302aeeb00d291612bb0c10",
     Verdict::kBadSignature},
    {"ed25519: one byte short", kEd25519Test2Key, "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
     "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c",
     Verdict::kBadSignature},
    {"ed25519: key of order 4 that the exact equation accepts", kEd25519OrderFourKey,
     "736d616c6c206f726465722031", kIdentityAndZero, Verdict::kValid},
    {"ed25519: key of order 4 that only the cofactored equation accepts", kEd25519OrderFourKey,
     "736d616c6c206f726465722030", kIdentityAndZero, Verdict::kBadSignature},
    {"ed25519: R not encoded canonically", kEd25519OrderFourKey, "736d616c6c206f726465722037",
     "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f0000000000000000"
     "000000000000000000000000000000000000000000000000",
     Verdict::kBadSignature},
    {"ecdsa-p256: RFC 6979 A.2.5", kEcdsaKey, "73616d706c65", kEcdsaSignature, Verdict::kValid},
    {"ecdsa-p256: the other square root, n - s", kEcdsaKey, "73616d706c65",
     "3045022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716022008"
     "34e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9",
     Verdict::kValid},
    {"ecdsa-p256: another message", kEcdsaKey, "73616d706c64", kEcdsaSignature,
     Verdict::kBadSignature},
    {"ecdsa-p256: s plus the group order", kEcdsaKey, "73616d706c65",
     "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716022101"
     "f7cb1c932d657c42d436c7a1b6e29f65b0cffb8960c7928b417e75f2809df2f9",
     Verdict::kBadSignature},
    {"ecdsa-p256: r and s zero", kEcdsaKey, "73616d706c65", "3006020100020100",
     Verdict::kBadSignature},
    {"ecdsa-p256: a byte behind the DER", kEcdsaKey, "73616d706c65",
     "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716022100"
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda800",
     Verdict::kBadSignature},
    {"ecdsa-p256: r and s not in DER", kEcdsaKey, "73616d706c65",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41"
     "d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
     Verdict::kBadSignature},
    {"rsa-pkcs1: a signature", kRsaKey, "72656c6f6164", kRsaSignature, Verdict::kValid},
    {"rsa-pkcs1: another message", kRsaKey, "52656c6f6164", kRsaSignature, Verdict::kBadSignature},
    {"rsa-pkcs1: a bit of the signature flipped", kRsaKey, "72656c6f6164",
     "651488cc8316b0a1eb5a9ff6a806fca52b54a921973ad0357bf4ddd9bd84a6fecdc93fbe2483b08f"
     "1a0411ee09c26a81f3c32bac29a06cfef813646214dc1efbfc78f88d7d3a27f00ca290251cef5be5"
     "c2fe45d98e6150e6ba238ab40ef8abf9cd3acce6ebac6fade8722c00966e65998667d7d5d99fcb4a"
     "cad7bd644049e9c4a4e1615cdfc56df4d464ebc0a7192b81625b9e21c3b086833d7182a2a87446d6"
     "36b86e827250730f0063f7421b2ed988dbb06c63fda36b8a412c9ae10350de3dd0842ae0551260a1"
     "22a05d01cee912e407a01885c8c799b940d3d6c1f25e859f04a3d2d74209314f07f043bf003540ea"
     "cba3fdc164333813d9150f0d9160ae5e",
     Verdict::kBadSignature},
    {"rsa-pkcs1: a zero byte in front", kRsaKey, "72656c6f6164",
     "00651488cc8316b0a1eb5a9ff6a806fca52b54a921973ad0357bf4ddd9bd84a6fecdc93fbe2483b0"
     "8f1a0411ee09c26a81f3c32bac29a06cfef813646214dc1efbfc78f88d7d3a27f00ca290251cef5b"
     "e5c2fe45d98e6150e6ba238ab40ef8abf9cd3acce6eaac6fade8722c00966e65998667d7d5d99fcb"
     "4acad7bd644049e9c4a4e1615cdfc56df4d464ebc0a7192b81625b9e21c3b086833d7182a2a87446"
     "d636b86e827250730f0063f7421b2ed988dbb06c63fda36b8a412c9ae10350de3dd0842ae0551260"
     "a122a05d01cee912e407a01885c8c799b940d3d6c1f25e859f04a3d2d74209314f07f043bf003540"
     "eacba3fdc164333813d9150f0d9160ae5e",
     Verdict::kBadSignature},
    {"rsa-pkcs1: plus the modulus", kRsaKey, "72656c6f6164",
     "ed2c7dcde29c2a94eee8511878dc8292be02d77e86608e0cc7e2b7220a8ca12a9ea2c3875553cbae"
     "61b88fe13cf86825a7da58d7260e13a34e318bb3df2348e570c2c9678cca395705b41d318962a593"
     "2b21161daf6f11388fba0620b634a7bdc4c495b0bec2b2444f6d56688f8d29af610e2e5bac04fcda"
     "f658f9a930e64cad6fcca2b277c45f2719090b0831b792ae23621329c6c1def686a5a6bc410512ce"
     "2af4de07dd9a0e4bf74ffce0bc687df9c598d73f1971d98350b8ec9d9f4ea636f66f85a74f6fa84a"
     "43fac5b0abfb1a6dcdee676cf02d549538bfc1dcfa6adf5e0bc33d0a904298c03c37753cc8c0be33"
     "ade016ce0b09761ae6c04f98dd90aa19",
     Verdict::kBadSignature},
    {"rsa-pkcs1: PSS instead", kRsaKey, "72656c6f6164",
     "67a233024a2e33ffea6a6f84c4f08f23b774b55d1e8b62efe42711387454954521a639ffa611055f"
     "c46ce7ba2e1ffff83d956556861f786e7d862eb2e912e053a1f95100e77ed966199aaa01e61311a4"
     "d82ab5f901084b63aef34d04fbd8e0cf3572f3a1c368487d79682e5f768658b21eaf1f89c225088a"
     "aa39569bf4f8116da71b49be48d026e5dd969b10b9223c9dc73c1017f69ed2b747e8f77dc69e7042"
     "2c0b3feece3b298fc2382be840e7edc409ecdf482705500c72f63abea0b34edead5a489e9af9f0ee"
     "6b2767b823152730946da49b2c5a7a376176aa4e5dc9fa3db0e05a150950fe65fa5d2dd2ccca7e6a"
     "40ab16b41bc53903b9bc6a373299e078",
     Verdict::kBadSignature},
    {"rsa-pkcs1: SHA-512 instead", kRsaKey, "72656c6f6164",
     "581137b75fa27a0730e78ac8c55ea422ce5125aba0ea230296b04a56e9f92430420160f74341c8e4"
     "b92242f749024f2e91e676e7128f30dfecfba72c966014a34c1ee84930461b83f17943b68aeb3735"
     "8601616e9f8a77564a3253c6631ff8e9634fb79c95fa532648170987e4f590d811953636fdba2b90"
     "dd42163da7d90b36e47c6a5c2f0071d2d795977c537ca4a8e97dc8ee51ae40219a7710ad2991b1bc"
     "813fc6bc5414f6a783a11405d5cb866e03d52a777fb46295702110baf3ab9061661602c341cf0fb2"
     "bfbc4834bbbf37b3320db8adf45f6b222f10317bd7078e55c88821d82ecb5307f5eed49e82b14a8d"
     "54c43e70a49b71e1f5e4abc360b480ff",
     Verdict::kBadSignature},
};

}  // namespace

std::span<const KnownAnswer> known_answers() noexcept { return kKnownAnswers; }

}  // namespace crypto

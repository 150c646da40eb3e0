// SPDX-License-Identifier: Apache-2.0
// hopsealctl lab: makes laboratories of nodes in network namespaces.

#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/lab_init.h"

namespace controlplane::ctl {
namespace {

void run_init(const LabRequest& request, Context& context) {
  const std::string fault = init_lab(request, std::time(nullptr));
  if (!fault.empty()) {
    std::fprintf(stderr, "hopsealctl lab init: %s\n", fault.c_str());
    context.exit_status = 1;
    return;
  }
  if (context.json) {
    const nlohmann::json made = {{"directory", request.directory}, {"nodes", request.nodes}};
    std::printf("%s\n", made.dump().c_str());
    return;
  }
  std::printf("%s holds a laboratory of %zu nodes; %s/lab.json describes it\n",
              request.directory.c_str(), request.nodes, request.directory.c_str());
}

}  // namespace

void add_lab(CLI::App& app, Context& context) {
  static const std::map<std::string, LabTopology> kTopologies = {{"chain", LabTopology::kChain},
                                                                 {"full", LabTopology::kFull}};
  static const std::map<std::string, crypto::Algorithm> kAlgorithms = {
      {lab_algorithm_name(crypto::Algorithm::kEd25519), crypto::Algorithm::kEd25519},
      {lab_algorithm_name(crypto::Algorithm::kEcdsaP256Sha256),
       crypto::Algorithm::kEcdsaP256Sha256},
      {lab_algorithm_name(crypto::Algorithm::kRsaPkcs1Sha256), crypto::Algorithm::kRsaPkcs1Sha256}};
  static const std::map<std::string, bool> kIdentities = {{"one", false}, {"all", true}};

  CLI::App* lab = app.add_subcommand("lab", "Laboratories of nodes in network namespaces");
  lab->require_subcommand(1);
  CLI::App* init = lab->add_subcommand(
      "init", "Write a CA, keys, certificates and configurations for N nodes, and lab.json");
  auto request = std::make_shared<LabRequest>();
  init->add_option("directory", request->directory, "Directory to make")
      ->required()
      ->type_name("DIR");
  init->add_option("--nodes", request->nodes, "How many nodes")->capture_default_str();
  init->add_option("--topology", request->topology, "chain (closed to a ring) or full")
      ->transform(CLI::CheckedTransformer(kTopologies).description("chain|full"));
  init->add_option("--overlay", request->overlay, "The overlay's DNS name")->capture_default_str();
  init->add_option("--algorithms", request->algorithms,
                   "Of the nodes' keys, by turns; joined by commas")
      ->delimiter(',')
      ->transform(CLI::CheckedTransformer(kAlgorithms).description("ed25519|ecdsa-p256|rsa-2048"));
  init->add_flag("--client-ends", request->client_ends, "The first and last node are clients");
  init->add_flag("--ipv6", request->ipv6, "Links run over IPv6");
  init->add_option("--workers", request->workers, "Worker lcores of each node")
      ->capture_default_str();
  init->add_option("--identities", request->all_identities,
                   "all: the first node gets an identity per algorithm besides its own")
      ->transform(CLI::CheckedTransformer(kIdentities).description("one|all"));
  init->add_option("--days", request->days, "How long the certificates are valid")
      ->capture_default_str();
  init->add_flag("--force", request->force, "Replace a laboratory that is there already");
  init->callback([request, &context] { run_init(*request, context); });
}

}  // namespace controlplane::ctl

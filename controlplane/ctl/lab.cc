// SPDX-License-Identifier: Apache-2.0
// hopsealctl lab: makes laboratories of nodes in network namespaces.

#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/lab_init.h"

namespace controlplane::ctl {
namespace {

/// What the command line says, before it means anything.
struct Arguments {
  LabRequest request;
  std::string topology = "chain";
  std::vector<std::string> algorithms = {"ed25519"};
  std::string identities = "one";
  std::string protocol = "dtls";
};

crypto::Algorithm algorithm_named(const std::string& name) {
  for (const auto algorithm : {crypto::Algorithm::kRsaPkcs1Sha256,
                               crypto::Algorithm::kEcdsaP256Sha256, crypto::Algorithm::kEd25519}) {
    if (name == lab_algorithm_name(algorithm)) return algorithm;
  }
  return crypto::Algorithm::kEd25519;  // not reached: CLI::IsMember let only the three names pass
}

LabRequest request_of(const Arguments& arguments) {
  LabRequest request = arguments.request;
  request.topology = arguments.topology == "full" ? LabTopology::kFull : LabTopology::kChain;
  if (arguments.protocol == "lab") request.protocol = wire::shm::LinkProtocol::kLab;
  request.all_identities = arguments.identities == "all";
  request.algorithms.clear();
  for (const std::string& name : arguments.algorithms) {
    request.algorithms.push_back(algorithm_named(name));
  }
  return request;
}

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
  CLI::App* lab = app.add_subcommand("lab", "Makes laboratories of nodes in network namespaces");
  lab->require_subcommand(1);
  CLI::App* init = lab->add_subcommand(
      "init", "Writes a CA, keys, certificates and configurations for N nodes, and lab.json");
  auto arguments = std::make_shared<Arguments>();
  LabRequest& request = arguments->request;
  init->add_option("directory", request.directory, "Directory to make")
      ->required()
      ->type_name("DIR");
  init->add_option("--nodes", request.nodes, "How many nodes")
      ->capture_default_str()
      ->type_name("N");
  init->add_option("--topology", arguments->topology,
                   "chain (the last peer is joined to the first, too) or full")
      ->check(CLI::IsMember({"chain", "full"}))
      ->capture_default_str();
  init->add_option("--overlay", request.overlay, "The overlay's DNS name")
      ->capture_default_str()
      ->type_name("NAME");
  init->add_option("--algorithms", arguments->algorithms,
                   "Of the nodes' keys, by turns; joined by commas")
      ->delimiter(',')
      ->check(CLI::IsMember({"ed25519", "ecdsa-p256", "rsa-2048"}))
      ->capture_default_str();
  init->add_flag("--client-ends", request.client_ends, "The first and the last node are clients");
  init->add_flag("--ipv6", request.ipv6, "Links run over IPv6");
  init->add_option("--protocol", arguments->protocol,
                   "Of the links: dtls, or lab, which is without encryption")
      ->check(CLI::IsMember({"dtls", "lab"}))
      ->capture_default_str();
  init->add_option("--workers", request.workers, "Worker lcores of each node")
      ->capture_default_str()
      ->type_name("N");
  init->add_option("--identities", arguments->identities,
                   "all: the first node gets an identity per algorithm besides its own")
      ->check(CLI::IsMember({"one", "all"}))
      ->capture_default_str();
  init->add_option("--days", request.days, "How long the certificates are valid")
      ->capture_default_str()
      ->type_name("N");
  init->add_flag("--force", request.force, "Replace a laboratory that is there already");
  init->callback([arguments, &context] { run_init(request_of(*arguments), context); });
}

}  // namespace controlplane::ctl

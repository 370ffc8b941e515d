import ConfigurationFiles
import KernelSelection

/// The policies of one call, in the order given, each under a name of its own.
enum PolicyList {
  /// Reads `--policy` and `--rule`.
  ///
  /// Names are separated by commas. `fastest:` names a set that is itself written with commas, so the
  /// names of kernel variants that follow it belong to it; a policy of such a name goes before it or
  /// into a `--policy` of its own.
  static func read(names: [String], rules: [String]) throws -> [any SelectionPolicy] {
    var policies: [any SelectionPolicy] = []
    for name in try names.flatMap({ try split($0) }) { policies.append(try policy(named: name)) }
    for path in rules { policies.append(try RuleFile.load(path: path)) }
    guard !policies.isEmpty else {
      throw CommandError.usage(
        "no policy to replay under; name some with --policy, see 'reprise policies'")
    }
    guard policies.count <= Limits.policiesMax else {
      throw CommandError.usage(
        "\(policies.count) policies are more than \(Limits.policiesMax); replay them in two calls")
    }
    var seen: Set<String> = []
    for policy in policies where !seen.insert(policy.name).inserted {
      throw CommandError.usage("policy '\(policy.name)' is named twice; name each policy once")
    }
    return policies
  }

  static func split(_ list: String) throws -> [String] {
    var names: [String] = []
    var isInSet = false
    for piece in list.split(separator: ",", omittingEmptySubsequences: false) {
      let name = String(piece)
      guard !name.isEmpty else {
        throw CommandError.usage("'\(list)' has an empty policy name; separate names by one comma")
      }
      if isInSet, KernelVariant(name: name) != nil, let set = names.popLast() {
        names.append(set + "," + name)
      } else {
        names.append(name)
        isInSet = name.hasPrefix("fastest:")
      }
    }
    return names
  }

  private static func policy(named name: String) throws -> any SelectionPolicy {
    do {
      return try SelectionPolicies.named(name)
    } catch {
      throw CommandError.usage(error.message)
    }
  }

  /// The policy that was in force while a trace was recorded, where its header tells.
  ///
  /// Recorders write `vllm-default` for the rule of the release that ran.
  static func recorded(
    engineVersion: String?, backend: String?, policy: String?
  ) -> (any SelectionPolicy)? {
    guard let policy else { return nil }
    if let known = try? SelectionPolicies.named(policy) { return known }
    guard policy == "vllm-default" else { return nil }
    if let backend, backend.hasPrefix("FLASH_ATTN") {
      return try? SelectionPolicies.named(KernelVariant.flashAttention3.name)
    }
    if let backend, backend.hasPrefix("FLASHINFER") {
      return try? SelectionPolicies.named(KernelVariant.flashInfer.name)
    }
    guard let engineVersion else { return nil }
    return try? SelectionPolicies.named(ruleOfRelease(engineVersion))
  }

  /// The rule that a release of vLLM carries for its unified Triton kernel.
  private static func ruleOfRelease(_ version: String) -> String {
    let parts = version.split(separator: ".").prefix(3).map { part in
      Int(part.prefix { $0.isNumber }) ?? 0
    }
    func isAtLeast(_ major: Int, _ minor: Int, _ patch: Int = 0) -> Bool {
      !parts.lexicographicallyPrecedes([major, minor, patch])
    }
    if isAtLeast(0, 33) { return "vllm-0.33" }
    if isAtLeast(0, 13) { return "vllm-0.13" }
    return isAtLeast(0, 9, 2) ? "vllm-0.9.2" : "always-2d"
  }
}

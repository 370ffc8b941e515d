import ConfigurationFiles
import KernelSelection
import TraceModel

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

  /// Which rules the engine's graphs could not follow, though a replay lets them.
  static func graphNotes(
    of policies: [any SelectionPolicy], under mode: CUDAGraphMode
  ) -> [String] {
    guard mode.capturesDecodeSteps else { return [] }
    return policies.compactMap { $0 as? RulePolicy }.filter { !$0.isKnownAtCapture }.map { rule in
      "'\(rule.name)' looks at KV lengths, which this engine's graphs of whole decode steps "
        + "(\(mode.rawValue)) cannot: what it gains, the engine would with attention outside of them"
    }
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
  static func recorded(header: TraceHeader) -> (any SelectionPolicy)? {
    PolicyInForce.name(
      recorded: header.selectionPolicy, attentionBackend: header.attentionBackend,
      engineVersion: header.engineVersion
    ).flatMap { try? SelectionPolicies.named($0) }
  }
}

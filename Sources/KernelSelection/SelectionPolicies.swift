/// The policies that the program knows by name.
///
/// To add one: a file with the type, a line in `all` (or a case in `named(_:)` where it takes a
/// parameter), and rows in its table test.
public enum SelectionPolicies {
  /// One value of each, in the order that listings show; parameters have typical values.
  public static let all: [any SelectionPolicy] = [
    Always2DPolicy(),
    Always3DPolicy(),
    VLLM092Policy(),
    VLLM013Policy(),
    VLLM033Policy(),
    SplitUpToPolicy(rows: 16),
    FlashAttention3Policy(),
    FlashInferPolicy(),
    VLLMMLA4SplitsPolicy(),
    VLLM19774Policy(),
    VLLMMLA033Policy.released,
    VLLMMLA033Policy.eager,
    FastestPolicy(),
  ]

  /// The forms of names that `named(_:)` takes.
  public static let nameForms: [String] =
    all.flatMap { policy in
      switch policy {
      case is SplitUpToPolicy: ["split-up-to:N"]
      case is FastestPolicy: ["fastest", "fastest:VARIANT,…"]
      default: [policy.name]
      }
    } + ["POLICY@PACKAGE"]

  /// The policy of a name such as `vllm-0.13`, `split-up-to:32`, `fastest:triton-2d,flashinfer` or
  /// `vllm-0.33@vllm-0.24.0`, the same rule over the kernels of an installed package.
  public static func named(_ name: String) throws(SelectionError) -> any SelectionPolicy {
    if let at = name.firstIndex(of: "@") {
      let package = String(name[name.index(after: at)...])
      guard KernelVariant.isPackage(package) else {
        throw SelectionError(
          .invalidArgument(
            expected: "a package with its version after the '@', such as always-2d@vllm-0.24.0"),
          name: name)
      }
      return PackagedPolicy(try named(String(name[..<at])), package: package)
    }
    if let policy = all.first(where: { $0.name == name }) { return policy }
    let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let argument = parts.count == 2 ? String(parts[1]) : nil
    switch (parts.first.map(String.init), argument) {
    case ("split-up-to", let argument): return try splitUpTo(argument, name: name)
    case ("fastest", let argument?): return try fastest(argument, name: name)
    default: throw SelectionError(.unknownPolicy(known: nameForms), name: name)
    }
  }

  private static func splitUpTo(
    _ argument: String?, name: String
  ) throws(SelectionError) -> SplitUpToPolicy {
    guard let argument, argument.allSatisfy(\.isWholeNumber), let rows = Int(argument) else {
      throw SelectionError(
        .invalidArgument(expected: "a number of rows after the colon, such as split-up-to:32"),
        name: name)
    }
    return SplitUpToPolicy(rows: rows)
  }

  private static func fastest(
    _ argument: String, name: String
  ) throws(SelectionError) -> FastestPolicy {
    var variants: [KernelVariant] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let variant = KernelVariant(name: String(part)) else {
        throw SelectionError(.unknownVariant(String(part)), name: name)
      }
      variants.append(variant)
    }
    return FastestPolicy(over: variants)
  }
}

/// A rule over the kernels of an installed package instead of this project's own.
///
/// Variants that the rule takes from a package already stay as they are.
struct PackagedPolicy: SelectionPolicy {
  let name: String
  let explanation: String
  let source: String
  let variants: [KernelVariant]
  var timesItsChoiceAlone: Bool { base.timesItsChoiceAlone }
  private let base: any SelectionPolicy
  private let package: String

  /// The rule `base` over the kernels of `package`, a name with its version.
  init(_ base: any SelectionPolicy, package: String) {
    name = "\(base.name)@\(package)"
    explanation = "\(base.explanation) The kernels are those of \(package)."
    source = base.source
    variants = base.variants.map { Self.packaged($0, package) }
    self.base = base
    self.package = package
  }

  func choose(for batch: BatchSummary, in context: AttentionContext) -> VariantChoice {
    switch base.choose(for: batch, in: context) {
    case .variant(let variant): .variant(Self.packaged(variant, package))
    case .fastest: .fastest
    }
  }

  private static func packaged(_ variant: KernelVariant, _ package: String) -> KernelVariant {
    variant.package.isEmpty ? variant.of(package: package) : variant
  }
}

internal import KernelSelection
internal import MeasurementStore
internal import TraceModel

/// Batches that a provider of kernels is to measure, each with the variants it is wanted for.
///
/// Its file form is JSON lines: a header, then one batch a line, by the text that names it in a store.
/// `Sources/KernelProviders/README.md` describes it.
public struct MeasurementPlan: Sendable {
  /// The file's format.
  public static let format = "reprise-plan/1"

  private var variants: [String: Set<KernelVariant>] = [:]

  /// An empty plan.
  public init() {}

  /// Batches in the plan.
  public var count: Int { variants.count }

  /// Adds a batch, by its text, for a variant; a variant without a package stands for all providers.
  mutating func add(_ text: String, for variant: KernelVariant) {
    variants[text, default: []].insert(variant)
  }

  /// Adds all that another plan has.
  public mutating func merge(_ other: MeasurementPlan) {
    variants.merge(other.variants) { $0.union($1) }
  }

  /// The plan as a file, in an order that depends on the batches alone.
  public var text: String {
    let header = JSONValue.object([
      .init("format", .string(Self.format)), .init("cache", .string("cold")),
    ])
    var lines = [header.text()]
    for (text, variants) in variants.sorted(by: { $0.key < $1.key }) {
      var members: [JSONValue.Member] = [.init("batch", .string(text))]
      let names = variants.filter { !$0.package.isEmpty }.map(\.name).sorted()
      if !names.isEmpty { members.append(.init("variants", .array(names.map { .string($0) }))) }
      lines.append(JSONValue.object(members).text())
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

import CPublishedFigures
import KernelSelection
import StepTiming
import TraceModel

/// MLA decode kernels as they were measured for one row on an H200, carried by the program.
///
/// Between two measured lengths lies a straight line; below the first its time holds, because a launch
/// takes as long then. Longer rows, and batches of several, have no times here.
struct LatentMeasurements: AttentionTiming {
  let source = TimingSource.gpu
  let variants: [KernelVariant]
  /// The GPU that they are of.
  let gpu: String
  /// When they were taken, and under which driver.
  let origin: String

  private let points: [KernelVariant: [(tokens: Int, microseconds: Double)]]

  /// The measurements; variants of `policies` without any stay without times.
  init(policies: [any SelectionPolicy]) throws {
    let embedded = unsafe reprise_latent_measurements()
    let bytes = unsafe Array(UnsafeBufferPointer(start: embedded.bytes, count: embedded.count))
    let json = try JSONValue(parsing: bytes)
    var points: [KernelVariant: [(tokens: Int, microseconds: Double)]] = [:]
    var variants: [KernelVariant] = []
    guard case .object(let members)? = json["points"] else {
      preconditionFailure("the program carries measurements")
    }
    for member in members {
      guard let variant = KernelVariant(name: member.key) else { continue }
      variants.append(variant)
      points[variant] = PublishedFigures.elements(member.value).compactMap { point in
        let pair = PublishedFigures.elements(point)
        guard pair.count == 2, let tokens = pair[0].int, let time = pair[1].double else {
          return nil
        }
        return (tokens, time)
      }
    }
    for variant in policies.flatMap(\.variants)
    where variant.family.isLatent && !variants.contains(variant) {
      variants.append(variant)
    }
    self.points = points
    self.variants = variants
    gpu = json["hardware"]?.string ?? ""
    origin = "\(json["date"]?.string ?? ""), driver \(json["driver"]?.string ?? "")"
  }

  func attentionTime(
    of variant: KernelVariant, for batch: AttentionBatch, in context: AttentionContext
  ) throws(TimingError) -> Nanoseconds {
    guard batch.summary.rows == 1, batch.summary.isSingleTokenOnly,
      let points = points[variant], let first = points.first, let last = points.last,
      batch.summary.maxKVLength <= last.tokens
    else {
      let words = "\(batch.summary.rows) rows of up to \(batch.summary.maxKVLength) tokens"
      throw .batchWithoutTiming(variant: variant.name, batch: words)
    }
    let tokens = max(batch.summary.maxKVLength, first.tokens)
    let above = points.firstIndex { $0.tokens >= tokens } ?? points.count - 1
    let (a, b) = (points[max(0, above - 1)], points[above])
    let share = b.tokens > a.tokens ? Double(tokens - a.tokens) / Double(b.tokens - a.tokens) : 0
    let microseconds = a.microseconds + share * (b.microseconds - a.microseconds)
    return Nanoseconds(Int64((microseconds * 1e3).rounded()))
  }
}

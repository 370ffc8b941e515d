internal import KernelSelection
internal import MeasurementStore

/// With what times of a variant were measured: of several such, those of one are used.
struct MeasuredOrigin: Hashable {
  let machine: MeasuredMachine
  let image: String

  private var words: String {
    "\(machine.gpu) \(machine.smCount) \(machine.driver) \(image)"
  }

  /// That which most batches were measured with; of those with as many the one whose name comes first,
  /// the same in equal stores.
  static func best<Found>(
    of all: some Sequence<Found>, origin: (Found) -> MeasuredOrigin, count: (Found) -> Int
  ) -> Found? {
    all.min { a, b in
      (count(b), origin(a).words) < (count(a), origin(b).words)
    }
  }

  /// How the texts of all batches under a geometry begin.
  static func prefix(of context: AttentionContext) -> String {
    let empty = BatchKey(AttentionBatch(), in: context, elementType: MeasuredTimes.element).text
    return empty.split(separator: " ").dropLast(2).joined(separator: " ") + " "
  }
}

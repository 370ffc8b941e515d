public import KernelSelection
public import StepTiming
internal import TraceModel

/// Reads measured attention calls from JSON lines, one batch a line with the times of several kernels.
///
/// ```
/// {"op":"paged-attention","query_lens":[1],"kv_lens":[500],"microseconds":{"…-triton-2d":25.1}}
/// ```
/// Lines of other operations are passed over. Columns are matched to variants by what their names end
/// in or contain, because they carry the version of the package that was measured; of one variant there
/// is one column. A line may have
/// `padded_rows`, of the launch, and `in_place_microseconds`, of the same calls between the matrix products
/// of a step.
public enum KernelLog {
  /// Measured calls in file order.
  ///
  /// - `context`: heads, blocks and GPU of the measurements; batches are padded as their lines say
  /// - `unknown`: told once of each column that names no variant and is left out
  public static func measurements(
    text: String, source: String, context: AttentionContext,
    unknown: (String) -> Void = { _ in }
  ) throws(MachineProfileError) -> [KernelMeasurement] {
    var measurements: [KernelMeasurement] = []
    var columns = Columns()
    var number = 0
    for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      if line.allSatisfy({ [UInt8(ascii: " "), UInt8(ascii: "\r")].contains($0) }) { continue }
      measurements += try row(
        String(decoding: line, as: UTF8.self), source: source, number: number, context: context,
        &columns)
    }
    columns.unknown.forEach(unknown)
    return measurements
  }

  /// The columns of all lines so far.
  private struct Columns {
    private var variants: [String: KernelVariant] = [:]
    private var names: [KernelVariant: String] = [:]
    /// Those that name no variant, in the order in which they came.
    private(set) var unknown: [String] = []

    /// The variant that a column measured; `nil` where it names none.
    mutating func variant(of column: String) throws(TwoColumns) -> KernelVariant? {
      if let known = variants[column] { return known }
      guard let variant = KernelLog.variant(ofColumn: column) else {
        if !unknown.contains(column) { unknown.append(column) }
        return nil
      }
      if let other = names[variant] { throw TwoColumns(variant: variant, other: other) }
      names[variant] = column
      variants[column] = variant
      return variant
    }
  }

  private struct TwoColumns: Error {
    let variant: KernelVariant
    let other: String
  }

  private static func row(
    _ line: String, source: String, number: Int, context: AttentionContext,
    _ known: inout Columns
  ) throws(MachineProfileError) -> [KernelMeasurement] {
    func wrong(_ reason: String) -> MachineProfileError {
      MachineProfileError(source: source, line: number, reason: reason)
    }
    let json: JSONValue
    do { json = try JSONValue(parsing: line) } catch { throw wrong("not a JSON object: \(error)") }
    guard json["op"]?.string == "paged-attention" else { return [] }
    guard let queries = lengths(json["query_lens"]), let kvs = lengths(json["kv_lens"]),
      queries.count == kvs.count, !kvs.isEmpty, kvs.count <= MachineProfileLimits.rowsMax,
      zip(queries, kvs).allSatisfy({ $0 >= 1 && $0 <= $1 })
    else { throw wrong("`query_lens` and `kv_lens` must be equally long and 1 ≤ query ≤ kv") }
    guard case .object(let columns)? = json["microseconds"] else {
      throw wrong("`microseconds` must be an object of kernel names and times")
    }
    let padded = json["padded_rows"].map { $0.int ?? 0 } ?? kvs.count
    guard (kvs.count...MachineProfileLimits.rowsMax).contains(padded) else {
      throw wrong("`padded_rows` must be a number of rows, and no less than there are")
    }
    let batch = AttentionBatch(
      rows: zip(queries, kvs).map { (queryLength: $0, kvLength: $1) }, paddedRows: padded)
    var measurements: [KernelMeasurement] = []
    for column in columns {
      let variant: KernelVariant?
      do throws(TwoColumns) { variant = try known.variant(of: column.key) } catch {
        throw wrong(
          "`\(column.key)` and `\(error.other)` are both times of \(error.variant.name); keep one")
      }
      guard let variant else { continue }
      guard let time = column.value.double, time > 0 else {
        throw wrong("`\(column.key)` must be a time above zero")
      }
      let inPlace = json["in_place_microseconds"]?[column.key].map { $0.double ?? 0 }
      guard inPlace ?? 1 > 0 else {
        throw wrong("`\(column.key)` in place must be a time above zero")
      }
      measurements.append(
        KernelMeasurement(
          batch: batch, context: context, variant: variant, microseconds: time, inPlace: inPlace))
    }
    return measurements
  }

  private static func lengths(_ json: JSONValue?) -> [Int32]? {
    guard case .array(let values)? = json else { return nil }
    let lengths = values.compactMap { $0.int.flatMap(Int32.init(exactly:)) }
    return lengths.count == values.count ? lengths : nil
  }

  /// The variant that a column such as `vllm-0.24-triton-3d-16` measured.
  static func variant(ofColumn name: String) -> KernelVariant? {
    if name.hasPrefix(KernelFamily.flashInfer.rawValue) { return .flashInfer }
    for start in name.indices where start == name.startIndex || name[start] == "t" {
      if let variant = KernelVariant(name: String(name[start...])) { return variant }
    }
    return nil
  }
}

import MeasurementStore
import TraceFile
import TraceModel

/// Measurements outside a store: JSON lines, as they are or in a zstd frame, small enough to be kept
/// beside the traces that they are for.
enum MeasurementFile {
  /// Whether a path names an export and no store.
  static func isExport(_ path: String) -> Bool {
    path.hasSuffix(".jsonl") || path.hasSuffix(".zst")
  }

  /// Reads an export.
  static func read(_ path: String) throws -> [Measurement] {
    var bytes = try InputFile.bytes(path: path)
    if path.hasSuffix(".zst") { bytes = try ZstdText.content(of: bytes, path: path) }
    return try MeasurementLines.measurements(
      in: String(decoding: bytes, as: UTF8.self), source: path)
  }

  /// All measurements of a store or an export.
  static func all(_ path: String) throws -> [Measurement] {
    if isExport(path) { return try read(path) }
    var measurements: [Measurement] = []
    try MeasurementStore(path: path, mode: .readOnly).forEach {
      (measurement) throws(MeasurementStoreError) in measurements.append(measurement)
    }
    return measurements
  }

  /// Writes an export and returns how many measurements and bytes it has.
  static func write(
    _ measurements: [Measurement], to path: String
  ) throws -> (measurements: Int, bytes: Int) {
    var bytes: [UInt8] = []
    for measurement in measurements { bytes += Array((measurement.json.text() + "\n").utf8) }
    if path.hasSuffix(".zst") { bytes = try ZstdText.compressed(bytes) }
    let file = try ResultFile(path: path)
    try file.write(bytes.span)
    try file.finish()
    return (measurements.count, bytes.count)
  }
}

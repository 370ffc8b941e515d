public import KernelSelection
import TraceModel

/// Batches as workloads of FlashInfer-Trace, for `flashinfer-bench` and whoever reads that data set.
///
/// A workload names a definition of the data set with pages of one token, so that lengths are exact;
/// its index arrays stand in a safetensors file beside it. Pages follow one another, queries and KV
/// are random.
public struct FlashInferWorkloads: Sendable {
  /// One file below the data set's root.
  public struct File: Sendable {
    /// Its path from there.
    public var path: String
    /// Its bytes.
    public var bytes: [UInt8]
  }

  private let context: AttentionContext
  private static let family = "gqa_paged"

  /// An exporter for batches that were launched so.
  public init(context: AttentionContext) { self.context = context }

  /// Every file for some batches: one list of workloads a definition, one file of arrays a batch.
  public func files(of batches: [WorstBatch]) -> [File] {
    var lists: [(definition: String, lines: [UInt8])] = []
    var files: [File] = []
    for (index, batch) in batches.enumerated() {
      let definition = definition(for: batch)
      let identity = "reprise-" + BatchSpec.name(of: batch, number: index + 1)
      let path = "blob/workloads/\(Self.family)/\(definition)/\(identity).safetensors"
      var line: [UInt8] = []
      row(batch, definition, identity, path).append(to: &line)
      line.append(UInt8(ascii: "\n"))
      if let place = lists.firstIndex(where: { $0.definition == definition }) {
        lists[place].lines += line
      } else {
        lists.append((definition, line))
      }
      files.append(File(path: path, bytes: Safetensors.bytes(arrays(of: batch))))
    }
    return files
      + lists.map { File(path: "workloads/\(Self.family)/\($0.definition).jsonl", bytes: $0.lines) }
  }

  private func isDecode(_ batch: WorstBatch) -> Bool { batch.time.batch.isSingleTokenOnly }

  private func definition(for batch: WorstBatch) -> String {
    let kind = isDecode(batch) ? "decode" : "prefill_causal"
    return
      "\(Self.family)_\(kind)_h\(context.queryHeads)_kv\(context.kvHeads)_d\(context.headSize)_ps1"
  }

  private func arrays(of batch: WorstBatch) -> [(name: String, values: [Int32])] {
    let kv = Self.sums(batch.kvLengths)
    let indices = Array(0..<(kv.last ?? 0))
    let arrays = [("kv_indptr", kv), ("kv_indices", indices)]
    return isDecode(batch) ? arrays : [("qo_indptr", Self.sums(batch.queryLengths))] + arrays
  }

  private static func sums(_ lengths: [Int32]) -> [Int32] {
    lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
  }

  private func row(
    _ batch: WorstBatch, _ definition: String, _ identity: String, _ path: String
  ) -> JSONValue {
    let tokens = Int64(batch.time.batch.totalKVLength)
    let rows = Int64(batch.kvLengths.count)
    var axes: [JSONValue.Member] =
      isDecode(batch)
      ? [.init("batch_size", .integer(rows))]
      : [.init("total_q", .integer(Int64(batch.time.batch.tokens)))]
    axes += [
      .init("num_pages", .integer(tokens)), .init("len_indptr", .integer(rows + 1)),
      .init("num_kv_indices", .integer(tokens)),
    ]
    let random = JSONValue.object([.init("type", .string("random"))])
    var inputs: [JSONValue.Member] = ["q", "k_cache", "v_cache"].map { .init($0, random) }
    inputs += arrays(of: batch).map { array in
      .init(
        array.name,
        .object([
          .init("type", .string("safetensors")), .init("path", .string(path)),
          .init("tensor_key", .string(array.name)),
        ]))
    }
    inputs.append(
      .init(
        "sm_scale",
        .object([
          .init("type", .string("scalar")),
          .init("value", .number(1 / Double(context.headSize).squareRoot())),
        ])))
    return .object([
      .init("definition", .string(definition)),
      .init(
        "workload",
        .object([
          .init("uuid", .string(identity)), .init("axes", .object(axes)),
          .init("inputs", .object(inputs)),
        ])), .init("solution", .null), .init("evaluation", .null),
    ])
  }
}

/// Arrays of 32-bit integers in the safetensors format: header length, JSON header, data.
enum Safetensors {
  static func bytes(_ arrays: [(name: String, values: [Int32])]) -> [UInt8] {
    var offset = 0
    let header = JSONValue.object(
      arrays.map { array in
        let end = offset + 4 * array.values.count
        defer { offset = end }
        return .init(
          array.name,
          .object([
            .init("dtype", .string("I32")),
            .init("shape", .array([.integer(Int64(array.values.count))])),
            .init("data_offsets", .array([.integer(Int64(offset)), .integer(Int64(end))])),
          ]))
      })
    var text = Array(header.text().utf8)
    // Data begins at a multiple of eight; readers skip spaces.
    while !text.count.isMultiple(of: 8) { text.append(UInt8(ascii: " ")) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + text.count + offset)
    for shift in 0..<8 {
      bytes.append(UInt8(truncatingIfNeeded: UInt64(text.count) >> (8 * UInt64(shift))))
    }
    bytes += text
    for array in arrays {
      for value in array.values {
        for shift: Int32 in [0, 8, 16, 24] {
          bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
      }
    }
    return bytes
  }
}

import KernelSelection

/// Contexts and batches that the tables of rules share.
enum Fixture {
  /// Captured sizes of an engine with 1,024 requests at once, as vLLM 0.13 to 0.32 choose them.
  static let graphs = CUDAGraphs.vLLM013()
  static let noGraphs = CUDAGraphs(mode: .none, captureSizes: [])

  static func context(
    queryHeads: Int = 32, kvHeads: Int = 8, graphs: CUDAGraphs = noGraphs, smCount: Int = 132
  ) -> AttentionContext {
    AttentionContext(
      queryHeads: queryHeads, kvHeads: kvHeads, headSize: 128, smCount: smCount, graphs: graphs)
  }

  /// A batch of rows with given new tokens, each on top of 1,000, padded as the launch demands.
  static func launched(queries: [Int32], in context: AttentionContext) -> BatchSummary {
    var batch = AttentionBatch(rows: queries.map { ($0, 1000 + $0) })
    context.pad(&batch)
    return batch.summary
  }

  static func decode(_ rows: Int, in context: AttentionContext) -> BatchSummary {
    launched(queries: Array(repeating: 1, count: rows), in: context)
  }
}

extension SelectionPolicy {
  /// The chosen variant's name, or `fastest`.
  func choiceName(_ batch: BatchSummary, _ context: AttentionContext) -> String {
    switch choose(for: batch, in: context) {
    case .variant(let variant): variant.name
    case .fastest: "fastest"
    }
  }

  /// The largest decode batch on split-KV such that all smaller ones are on it too, and none above.
  func lastSplitRows(in context: AttentionContext, upTo rowsMax: Int = 300) -> Int? {
    let splits = (1...rowsMax).map {
      choiceName(Fixture.decode($0, in: context), context) == "triton-3d-16"
    }
    let last = splits.lastIndex(of: true).map { $0 + 1 } ?? 0
    return splits.prefix(last).allSatisfy { $0 } ? last : nil
  }
}

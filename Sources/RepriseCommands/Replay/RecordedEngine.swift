import EngineSimulation
import KernelSelection
import TraceModel

extension EngineModel {
  /// The engine that a trace was recorded on, or an error that names what its header lacks.
  ///
  /// What a header leaves out beside the model and the KV pool is as vLLM sets it by default.
  init(recordedBy header: TraceHeader, trace: String, smCount: Int) throws(CommandError) {
    guard let model = header.model else {
      throw .failed(
        "'\(trace)': its header has no 'model' with the shape of the model; "
          + "name an engine with --engine")
    }
    let blockSize = header.kvBlockSize ?? 16
    guard let poolTokens = header.kvCacheTokens, blockSize > 0, poolTokens >= 2 * blockSize else {
      throw .failed(
        "'\(trace)': its header has no 'kv_cache_tokens' of two blocks or more; "
          + "name an engine with --engine")
    }
    let mode = header.cudaGraphMode.flatMap(CUDAGraphMode.init(rawValue:)) ?? .fullAndPiecewise
    let sizes = header.cudaGraphCaptureSizes ?? []
    let gpu = header.gpu ?? "unknown GPU"
    let engine = [header.engine, header.engineVersion].compactMap(\.self).joined(separator: " ")
    self.init(
      name: "\(model.name) on \(gpu)" + (engine.isEmpty ? "" : ", \(engine)"), model: model,
      tensorParallel: max(1, header.tensorParallel ?? 1), smCount: header.smCount ?? smCount,
      maxBatchedTokens: max(1, header.maxBatchedTokens ?? 8192),
      maxSequences: max(1, header.maxSequences ?? 1024), kvBlockSize: blockSize,
      // One block of vLLM's pool stands for none and is never given out.
      kvBlocks: poolTokens / blockSize - 1, prefixCaching: header.prefixCaching ?? true,
      asyncScheduling: header.asyncScheduling ?? true,
      graphs: CUDAGraphs(mode: sizes.isEmpty ? .none : mode, captureSizes: sizes))
    if let (property, value, allowed) = outOfBounds {
      throw .failed(
        "'\(trace)': its header gives an engine with \(property) \(value), outside "
          + "\(allowed.lowerBound) to \(allowed.upperBound); name an engine with --engine")
    }
  }
}

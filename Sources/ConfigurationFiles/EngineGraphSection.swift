import EngineSimulation
import KernelSelection
import TraceModel

/// How an engine file says that steps are captured: a mode, sizes, or a release's defaults for both.
enum EngineGraphSection {
  static func graphs(
    _ file: MappingReader, version: VLLMVersion, maxSequences: Int, maxBatchedTokens: Int
  ) throws(ConfigurationError) -> CUDAGraphs {
    let mode = try mode(file)
    if mode == CUDAGraphMode.none {
      return CUDAGraphs(mode: .none, captureSizes: [])
    }
    var graphs = CUDAGraphs.vLLM(
      version, mode: mode, maxSequences: maxSequences, maxBatchedTokens: maxBatchedTokens)
    if let sizes = try sizes(file) { graphs.captureSizes = sizes.sorted() }
    return graphs
  }

  private static func mode(_ file: MappingReader) throws(ConfigurationError) -> CUDAGraphMode? {
    guard let name = try file.string("cuda_graph_mode"), let node = file["cuda_graph_mode"] else {
      return nil
    }
    guard let mode = CUDAGraphMode(rawValue: name) else {
      let known = CUDAGraphMode.allCases.map(\.rawValue)
      throw file.unknown("CUDA-graph mode", name, known: known, node)
    }
    return mode
  }

  private static func sizes(_ file: MappingReader) throws(ConfigurationError) -> [Int]? {
    let key = "cuda_graph_capture_sizes"
    guard let nodes = try file.list(key), let list = file[key] else { return nil }
    guard (1...ConfigurationLimits.captureSizesMax).contains(nodes.count) else {
      let reason = "needs 1 to \(ConfigurationLimits.captureSizesMax) sizes; for none, set "
      throw file.invalid(key, reason + "'cuda_graph_mode: NONE'", list)
    }
    var sizes: [Int] = []
    for node in nodes {
      sizes.append(try file.integer(node, key: key, in: EngineLimits.number))
    }
    return sizes
  }
}

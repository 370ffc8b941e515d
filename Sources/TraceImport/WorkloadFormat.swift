/// The published forms of workloads that can be read.
public enum WorkloadFormat: String, CaseIterable, Sendable {
  /// Mooncake's JSON lines, which AIPerf (`mooncake_trace`) and vLLM (`timed_trace`) read as well.
  case mooncake
  /// The CSV of Azure's LLM inference traces of 2023 and 2024.
  case azure
  /// The CSV of BurstGPT, with or without sessions.
  case burstgpt
  /// Alibaba's Qwen-Bailian JSON lines with 16-token blocks.
  case qwenBailian = "qwen-bailian"

  /// One line on what the format looks like, for help and for errors.
  public var summary: String {
    switch self {
    case .mooncake:
      "JSON lines: timestamp (ms), input_length, output_length, hash_ids of 512-token blocks"
    case .azure: "CSV: TIMESTAMP,ContextTokens,GeneratedTokens"
    case .burstgpt: "CSV: Timestamp (s), Request tokens, Response tokens, in any order"
    case .qwenBailian:
      "JSON lines: chat_id, timestamp (s), input_length, output_length, hash_ids of 16-token blocks"
    }
  }

  /// Reads a whole file, line by line.
  ///
  /// - Parameter name: the file's path: errors name it, and the workload is called after it.
  /// - Throws: an error with the line's number for the first row that breaks the format: text where
  ///   a number belongs, a negative number, a time before that of the row in front of it.
  public func read(
    _ source: any ByteSource, name: String
  ) throws(TraceImportError) -> ImportedWorkload {
    switch self {
    case .mooncake: try MooncakeImporter.read(LineReader(source, name: name))
    case .azure: try AzureImporter.read(CSVReader(source, format: self, name: name))
    case .burstgpt: try BurstGPTImporter.read(CSVReader(source, format: self, name: name))
    case .qwenBailian: try QwenBailianImporter.read(LineReader(source, name: name))
    }
  }

  /// Reads a whole file that is in memory.
  public func read(
    _ bytes: [UInt8], name: String
  ) throws(TraceImportError) -> ImportedWorkload {
    try read(BytesInMemory(bytes), name: name)
  }
}

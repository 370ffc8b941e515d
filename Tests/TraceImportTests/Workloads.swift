import TraceImport
import TraceModel

/// Small files of each format, in the shape in which they are published.
enum Workloads {
  static let mooncake = """
    {"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]}
    {"timestamp": 0, "input_length": 600, "output_length": 490, "hash_ids": [0, 14]}
    {"timestamp": 3052, "input_length": 13, "output_length": 1, "hash_ids": []}

    """
  /// CR LF, seven digits, no line end at the end.
  static let azure =
    "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n"
    + "2023-11-16 18:15:50.9951690,396,109\r\n2023-11-17 00:00:00.0000001,879,55"
  static let burstGPT = """
    Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
    5,ChatGPT,472,18,490,Conversation log
    45,ChatGPT,0,0,0,Conversation log
    118,GPT-4,417,276,693,Conversation log
    118,GPT-4,10,0,10,API log

    """
  static let qwenBailian = """
    {"chat_id": 0, "parent_chat_id": -1, "timestamp": 0.0, "input_length": 40, "output_length": 10, "type": "api", "turn": 1, "hash_ids": [5, 6, 7]}
    {"chat_id": 102, "parent_chat_id": 0, "timestamp": 4.29, "input_length": 64, "output_length": 5, "type": "api", "turn": 2, "hash_ids": [5, 6, 6, 7]}
    {"chat_id": 7, "parent_chat_id": -1, "timestamp": 4.29, "input_length": 20, "output_length": 5, "type": "api", "turn": 1, "hash_ids": [6, 7]}

    """

  static func text(_ format: WorkloadFormat) -> String {
    switch format {
    case .mooncake: mooncake
    case .azure: azure
    case .burstgpt: burstGPT
    case .qwenBailian: qwenBailian
    }
  }

  static func read(
    _ text: String, _ format: WorkloadFormat
  ) throws(TraceImportError) -> ImportedWorkload {
    try format.read(Array(text.utf8), name: "dir/sample.x")
  }
}

extension ImportedWorkload {
  /// The rows as numbers, easy to write down: id, arrival, prompt, output.
  var rows: [[Int64]] {
    requests.map {
      [
        $0.id.rawValue, $0.arrival.rawValue, Int64($0.promptTokens.rawValue),
        Int64($0.outputTokens.rawValue),
      ]
    }
  }
}

public import KernelImages

/// A manifest of three variants as a build writes it, with the arguments of the real kernels.
public enum SmallManifest {
  /// It, as if read from a folder.
  public static func manifest(
    path: String = "/kernels/sm_90/manifest.json"
  ) throws(KernelImageError) -> KernelManifest {
    try KernelManifest(json: Array(text.utf8), path: path)
  }

  private static let attention = [
    "output:*bf16", "segment_output:*fp32", "segment_max:*fp32", "segment_sum:*fp32",
    "query:*bf16", "key_cache:*bf16", "value_cache:*bf16", "block_table:*i32", "kv_lens:*i32",
    "query_starts:*i32", "scale:fp32", "rows:i32", "query_token_stride:i64",
    "query_head_stride:i64", "output_token_stride:i64", "output_head_stride:i64",
    "block_table_stride:i64", "key_block_stride:i64", "key_slot_stride:i64",
    "key_head_stride:i64", "value_block_stride:i64", "value_slot_stride:i64",
    "value_head_stride:i64",
  ]
  private static let reduction = [
    "output:*bf16", "segment_output:*fp32", "segment_max:*fp32", "segment_sum:*fp32",
    "kv_lens:*i32", "query_starts:*i32", "rows:i32", "output_token_stride:i64",
    "output_head_stride:i64",
  ]

  private static let latentStage1 = [
    "partial:*fp32", "query:*bf16", "cache:*bf16", "block_table:*i32", "kv_lens:*i32",
    "scale:fp32", "query_heads:i32", "query_row_stride:i32", "query_head_stride:i32",
    "block_table_stride:i32", "cache_block_stride:i32", "cache_slot_stride:i32",
  ]
  private static let latentStage2 = [
    "output:*bf16", "partial:*fp32", "kv_lens:*i32", "splits:i32", "output_row_stride:i32",
    "output_head_stride:i32",
  ]

  private static func image(_ key: String, _ entry: String, _ arguments: [String]) -> String {
    let list = arguments.map { argument in
      let parts = argument.split(separator: ":")
      let divisor = parts[1].hasPrefix("*") ? 16 : 1
      return #"{"name": "\#(parts[0])", "type": "\#(parts[1])", "divisible_by": \#(divisor)}"#
    }
    let sha = String(repeating: key, count: 4)
    return #"{"key": "\#(key)", "file": "\#(key).cubin", "sha256": "\#(sha)", "#
      + #""entry": "\#(entry)", "arguments": [\#(list.joined(separator: ", "))], "#
      + #""constants": {"HEAD_SIZE": 128}, "num_warps": 4, "threads": 128, "#
      + #""shared_bytes": 60000, "global_scratch_bytes": 0, "profile_scratch_bytes": 0}"#
  }

  /// The manifest's text.
  public static var text: String {
    let images = [
      image("a", "unified_attention", attention), image("b", "unified_attention", attention),
      image("c", "reduce_segments", reduction), image("d", "mla_stage1", latentStage1),
      image("e", "mla_stage2", latentStage2),
    ]
    return #"{"format": "reprise-kernels/1", "architecture": "sm_90", "shapes": [{"name": "s", "#
      + #""head_size": 128, "ratio": 4, "block_size": 16, "element": "bf16", "latent": false}, "#
      + #"{"name": "m", "head_size": 512, "ratio": 0, "block_size": 64, "element": "bf16", "latent": true}], "images": [\#(images.joined(separator: ", "))], "#
      + #""variants": [{"name": "triton-2d", "shape": "s", "segments": 1, "block_m": 16, "#
      + #""launches": [{"image": "a", "grid": ["query_blocks", "kv_heads", "one"]}]}, "#
      + #"{"name": "triton-3d-16", "shape": "s", "segments": 16, "block_m": 16, "launches": "#
      + #"[{"image": "b", "grid": ["query_blocks", "kv_heads", "segments"]}, "#
      + #"{"image": "c", "grid": ["tokens", "query_heads", "one"]}]}, "#
      + #"{"name": "triton-mla", "shape": "m", "segments": 1, "launches": "#
      + #"[{"image": "d", "grid": ["rows", "head_blocks", "splits"]}, "#
      + #"{"image": "e", "grid": ["rows", "query_heads", "one"]}]}]}"#
  }
}

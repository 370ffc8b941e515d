import Fuzzing
import TraceImport

Fuzzing.run { bytes in _ = try? WorkloadFormat.mooncake.read(bytes, name: "fuzz") }

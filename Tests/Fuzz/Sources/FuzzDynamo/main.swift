import Fuzzing
import TraceImport

Fuzzing.run { bytes in _ = try? DynamoFPMReader.read(BytesInMemory(bytes), name: "fuzz") }

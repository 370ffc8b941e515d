// TraceFile

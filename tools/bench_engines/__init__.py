"""Time the engines beside the runtimes people deploy, in one run: `make bench-engines`.

Every runner has a process of its own for each case.  Its first answer is compared with the layers'
own, byte for byte, before anything is timed; an engine that differs ends the run.  Then the parent
asks the processes in turn for a round, so that what disturbs the machine disturbs all.  A round is
as many calls as fill ROUND_MS, one at least, and its result their median; a time is the median of
the rounds, with quartiles.  A call takes a batch that is already quantized, in the dtype and layout
that the runner wants (float32 for a float network), and ends with the logits in NumPy's hands.
Every library gets one thread.

A row is printed when it is there.  The run ends after SECONDS, done or not, and says what is
missing.  It writes build/engines.json; only `make bench-engines RECORD=1` writes the record,
book/engines.json, and only where nothing is missing.  `make bench-engines MODELS=folder` times the
.tflite models of a folder instead, beside the runtimes on the files themselves, and writes
build/engines_opened.json, which has no growth and no roofline.  A record has:

    date, python, rounds
    machine     {architecture, processor, features, cores}
    call        what a call and a round are, in words
    networks    [{network, image: [H, W, C], mac, weight_bytes, activation_bytes, moved_bytes}]: all
                but weight_bytes for one image; moved_bytes: input and output, each once, of the
                layers that are not fused into another
    runs        [{network, batch, runner, rounds, us, q1, q3, gmac_per_s, images, logits,
                equal_images, equal_logits, peak_bytes, plan_bytes}]: us, q1, q3 are microseconds a
                call of the whole batch; equal: how many are those of `layers`, an image when all
                its logits are (null for a float network); peak_bytes: how far the peak of the
                process's resident memory rose from before the model was built, the code that was
                paged in included; plan_bytes: plan.nbytes of an engine, else null
    missing     {what was not measured to the end: why}
    versions    {runner: "ai-edge-litert 2.3.0", ...}
    growth      [{axis: "side" | "channels" | "batch", value, network, batch, mac, runner, us, q1,
                q3, logits, equal_logits, plan_bytes}]: mac of a call
    roofline    {rates: [{kernel: "float32 BLAS" | "u8 x s8", product: [m, k, n], gmac_per_s}],
                copy: [{gb_per_s}], networks: [{network, batch, mac, bytes, mac_per_byte}]}: of a
                call; bytes are the weights and the moved_bytes of the batch; a copy's gigabytes are
                those read and those written
"""

/* Equations (4.1) and (5.9), each output channel on one input channel.  No partial sum leaves int32:
 * the exporter has added up the largest that the weights allow. */
static void depthwise_conv2d(const struct conv2d *layer, const int8_t *in, int8_t *out)
{
    const int32_t channels = layer->in.channels, pitch = layer->in.width * channels;
    const int32_t multiplier = layer->out.channels / channels;
    for (int32_t y = 0; y < layer->out.height; y++) {
        for (int32_t x = 0; x < layer->out.width; x++) {
            const int8_t *window =
                in + y * layer->stride_y * pitch + x * layer->stride_x * channels;
            const int8_t *weight = layer->weight;
            for (int32_t o = 0; o < layer->out.channels; o++) {
                const int8_t *own = window + o / multiplier;
                int32_t acc = layer->bias[o];
                for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                    for (int32_t kx = 0; kx < layer->kernel_width; kx++)
                        acc += *weight++ * (own[ky * pitch + kx * channels] - layer->in_zero_point);
                }
                const int64_t code =
                    rescale(&layer->requantizer, o, acc) + layer->out_grid.zero_point;
                *out++ = saturate(code, &layer->out_grid);
            }
        }
    }
}

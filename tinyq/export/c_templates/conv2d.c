/* Equations (4.1) and (5.9).  A row of the window lies together in memory.  No partial sum leaves
 * int32: the exporter has added up the largest that the weights allow. */
static void conv2d(const struct conv2d *layer, const int8_t *in, int8_t *out)
{
    const int32_t pitch = layer->in.width * layer->in.channels;
    const int32_t run = layer->kernel_width * layer->in.channels;
    for (int32_t y = 0; y < layer->out.height; y++) {
        for (int32_t x = 0; x < layer->out.width; x++) {
            const int8_t *window =
                in + y * layer->stride_y * pitch + x * layer->stride_x * layer->in.channels;
            const int8_t *weight = layer->weight;
            for (int32_t o = 0; o < layer->out.channels; o++) {
                int32_t acc = layer->bias[o];
                for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                    const int8_t *row = window + ky * pitch;
                    for (int32_t k = 0; k < run; k++)
                        acc += *weight++ * (row[k] - layer->in_zero_point);
                }
                const int64_t code =
                    rescale(&layer->requantizer, o, acc) + layer->out_grid.zero_point;
                *out++ = saturate(code, &layer->out_grid);
            }
        }
    }
}

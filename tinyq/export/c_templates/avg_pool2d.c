/* Equation (7.3): the zero_point stays in the sum, ties round away from code 0. */
static void avg_pool2d(const struct pool2d *layer, const int8_t *in, int8_t *out)
{
    const int32_t channels = layer->in.channels, pitch = layer->in.width * channels;
    const int32_t count = layer->kernel_height * layer->kernel_width;
    for (int32_t y = 0; y < layer->out.height; y++) {
        for (int32_t x = 0; x < layer->out.width; x++) {
            const int8_t *window =
                in + y * layer->stride_y * pitch + x * layer->stride_x * channels;
            for (int32_t c = 0; c < channels; c++) {
                int32_t sum = 0;
                for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                    for (int32_t kx = 0; kx < layer->kernel_width; kx++)
                        sum += window[ky * pitch + kx * channels + c];
                }
                const int32_t half = sum > 0 ? count / 2 : -(count / 2);
                *out++ = saturate((sum + half) / count, &layer->grid);
            }
        }
    }
}

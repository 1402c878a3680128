/* Equation (7.2). */
static void max_pool2d(const struct pool2d *layer, const int8_t *in, int8_t *out)
{
    const int32_t channels = layer->in.channels, pitch = layer->in.width * channels;
    for (int32_t y = 0; y < layer->out.height; y++) {
        for (int32_t x = 0; x < layer->out.width; x++) {
            const int8_t *window =
                in + y * layer->stride_y * pitch + x * layer->stride_x * channels;
            for (int32_t c = 0; c < channels; c++) {
                int8_t largest = (int8_t)layer->grid.qmin;
                for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                    for (int32_t kx = 0; kx < layer->kernel_width; kx++) {
                        const int8_t code = window[ky * pitch + kx * channels + c];
                        largest = code > largest ? code : largest;
                    }
                }
                *out++ = largest;
            }
        }
    }
}

/* Equation (7.3).  What a window covers outside the image is neither summed nor counted. */
static void avg_pool2d_padded(const struct pool2d *layer, const int8_t *in, int8_t *out)
{
    const int32_t channels = layer->in.channels, pitch = layer->in.width * channels;
    for (int32_t y = 0; y < layer->out.height; y++) {
        for (int32_t x = 0; x < layer->out.width; x++) {
            const int32_t top = y * layer->stride_y - layer->top;
            const int32_t left = x * layer->stride_x - layer->left;
            for (int32_t c = 0; c < channels; c++) {
                int32_t sum = 0, count = 0;
                for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                    for (int32_t kx = 0; kx < layer->kernel_width; kx++) {
                        const int32_t row = top + ky, column = left + kx;
                        const int inside = row >= 0 && row < layer->in.height && column >= 0
                                           && column < layer->in.width;
                        if (inside) {
                            sum += in[row * pitch + column * channels + c];
                            count++;
                        }
                    }
                }
                const int32_t half = sum > 0 ? count / 2 : -(count / 2);
                *out++ = saturate((sum + half) / count, &layer->grid);
            }
        }
    }
}
